// The implementation of stb_image, alone in its file because it is compiled with other flags.
#include <cstdlib>

namespace {

thread_local std::size_t allocation_limit = 0;

void* limited_allocate(std::size_t size) { return size <= allocation_limit ? std::malloc(size) : nullptr; }
void* limited_reallocate(void* block, std::size_t size) {
  return size <= allocation_limit ? std::realloc(block, size) : nullptr;
}

}  // namespace

#define STBI_MALLOC(size) limited_allocate(size)
#define STBI_REALLOC(block, size) limited_reallocate(block, size)
#define STBI_FREE(block) std::free(block)
#define STB_IMAGE_IMPLEMENTATION
#include "tools/stb_image.hpp"

void riffle::tools::set_picture_allocation_limit(std::size_t bytes) { allocation_limit = bytes; }
