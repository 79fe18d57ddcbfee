# Dependencies: the system's package where there is one, else a pinned release by FetchContent.
find_package(xsimd 8.1 REQUIRED)
if(RIFFLE_OPENMP)
  find_package(OpenMP)
endif()
