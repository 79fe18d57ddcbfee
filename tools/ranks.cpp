#include "tools/ranks.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <thread>

#ifdef RIFFLE_MPI
#include "trainer/mpi/mpi_ranks.hpp"
#endif

namespace riffle::tools {
namespace {

/// How long the rank whose message it is may take.
constexpr std::chrono::seconds patience{2};
/// MPICH's launcher passes on nothing more of a message once it is told to end all ranks.
constexpr std::chrono::milliseconds time_to_pass_on{300};

/// The first of these variables that is a number.
int variable(std::initializer_list<const char*> names, int otherwise) {
  for (const char* name : names) {
    const char* const text = std::getenv(name);
    int value = 0;
    if (text != nullptr && std::from_chars(text, text + std::strlen(text), value).ec == std::errc()) return value;
  }
  return otherwise;
}

// As Open MPI's mpirun, MPICH's, and Slurm's srun with one of its MPI plugins say it.
int launched_processes() {
  const int processes = variable({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}, 0);
  if (processes > 0) return processes;
  // Slurm counts its tasks for every program, whether or not they are ranks.
  return std::getenv("PMIX_RANK") != nullptr ? variable({"SLURM_STEP_NUM_TASKS"}, 1) : 1;
}
int launched_rank() { return variable({"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"}, 0); }

#ifdef RIFFLE_MPI
std::unique_ptr<trainer::MpiRanks>& begun() {
  static std::unique_ptr<trainer::MpiRanks> ranks;
  return ranks;
}
#endif

}  // namespace

void begin_ranks() {
#ifdef RIFFLE_MPI
  if (launched_processes() > 1) begun() = std::make_unique<trainer::MpiRanks>();
#endif
}

trainer::Ranks& ranks() {
  if (launched_processes() == 1) return trainer::alone();
#ifdef RIFFLE_MPI
  return *begun();
#else
  throw Error("this is one of " + std::to_string(launched_processes()) +
              " processes that were started together; this riffle was built without MPI (RIFFLE_MPI) and runs as one");
#endif
}

std::string teller_of_an_error() {
  if (tells_for_all()) return "";
  return "rank " + std::to_string(launched_rank()) + ": ";
}

bool tells_for_all() {
  if (launched_processes() == 1 || launched_rank() == 0) return true;
  std::this_thread::sleep_for(patience);
  return false;
}

int leave_ranks(int code) {
#ifdef RIFFLE_MPI
  if (begun()) {
    if (code == 1) {
      std::this_thread::sleep_for(time_to_pass_on);
      begun()->abort(code);
    }
    begun().reset();
  }
#endif
  return code;
}

}  // namespace riffle::tools
