// Where the C API ends: errors become statuses here, and no exception passes.
#pragma once

#include <cstdio>
#include <exception>
#include <new>

#include "base/arithmetic.hpp"
#include "base/error.hpp"
#include "riffle/riffle.h"

namespace riffle::api {

inline riffle_status report(riffle_error* error, riffle_status status, const char* message) {
  if (error != nullptr) std::snprintf(error->message, sizeof error->message, "%s", message);
  return status;
}

inline riffle_status bad_argument(riffle_error* error, const char* message) {
  return report(error, RIFFLE_BAD_ARGUMENT, message);
}

/// Runs f, in the arithmetic that everything here is computed in; `failure` is the status of an Error that it throws.
template <class F>
riffle_status guarded(riffle_error* error, riffle_status failure, F&& f) noexcept {
  try {
    const DefaultArithmetic arithmetic;
    f();
    return RIFFLE_OK;
  } catch (const std::bad_alloc&) {
    return report(error, RIFFLE_NO_MEMORY, "out of memory");
  } catch (const Exhausted& e) {
    return report(error, RIFFLE_NO_MEMORY, e.what());
  } catch (const Unsupported& e) {
    return report(error, RIFFLE_UNSUPPORTED, e.what());
  } catch (const std::exception& e) {
    return report(error, failure, e.what());
  }
}

}  // namespace riffle::api
