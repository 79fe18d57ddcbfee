// What every kernel relies on, looked up in a finished plan: that each place which a step reads or writes lies within
// the arena, a worker's rows or the caller's tensor, that it is aligned to its numbers, and that no step writes where
// it reads. Builds for debugging and sanitizers check every plan that is made (RIFFLE_CONTRACTS), and a test the
// family's.
#pragma once

#include "engine/plan/plan.hpp"

namespace riffle::plan {

/// Throws std::logic_error, which nobody expects, naming the step and what is wrong with it.
void check_contracts(const Plan& plan);

}  // namespace riffle::plan
