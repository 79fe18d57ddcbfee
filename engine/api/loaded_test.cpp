// riffle in a program that loads and unloads it, again and again, and forks meanwhile: the shared library, and a module
// of the program's own that has the static one in it. RIFFLE_LOADS says how often.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "riffle/riffle.h"

namespace {

/// The library's functions that are called here.
struct Library {
  explicit Library(const char* path) : handle(::dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle == nullptr) {
      ADD_FAILURE() << ::dlerror();
      return;
    }
    find(load, "riffle_model_load_file");
    find(free_model, "riffle_model_free");
    find(create, "riffle_session_create");
    find(free_session, "riffle_session_free");
    find(input, "riffle_session_input");
    find(output, "riffle_session_output");
    find(run, "riffle_session_run");
  }

  template <class Function>
  void find(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(::dlsym(handle, name));
    ASSERT_NE(function, nullptr) << name;
  }

  void* handle;
  decltype(riffle_model_load_file)* load = nullptr;
  decltype(riffle_model_free)* free_model = nullptr;
  decltype(riffle_session_create)* create = nullptr;
  decltype(riffle_session_free)* free_session = nullptr;
  decltype(riffle_session_input)*input = nullptr, *output = nullptr;
  decltype(riffle_session_run)* run = nullptr;
};

using Scores = std::vector<float>;

/// A session's life; nothing where something fails.
Scores live(const Library& library, std::int32_t threads) {
  riffle_model* model = nullptr;
  riffle_session* session = nullptr;
  riffle_options options = {};
  options.threads = threads;
  Scores scores;
  if (library.load(RIFFLE_MODEL, &model, nullptr) == RIFFLE_OK &&
      library.create(model, &options, &session, nullptr) == RIFFLE_OK) {
    const std::vector<float> input(library.input(session).size, 0.5F);
    scores.resize(library.output(session).size);
    if (library.run(session, input.data(), scores.data(), 1, nullptr) != RIFFLE_OK) scores.clear();
  }
  library.free_session(session);
  library.free_model(model);
  return scores;
}

std::string maps() {
  std::ifstream file("/proc/self/maps");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Bytes of memory that are this process's.
long resident() {
  long total = 0, present = 0;
  std::ifstream("/proc/self/statm") >> total >> present;
  return present * ::sysconf(_SC_PAGESIZE);
}

bool child_ends_well(const Library* library) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(library == nullptr || !live(*library, 2).empty() ? 0 : 1);
  }
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

/// Loads, lives, forks, unloads; whether it is gone afterwards.
bool load_once(const char* path, Scores& scores) {
  const Library library(path);
  if (library.run == nullptr) return false;
  scores = live(library, 1);
  EXPECT_EQ(live(library, 3), scores);
  EXPECT_TRUE(child_ends_well(&library));
  EXPECT_EQ(::dlclose(library.handle), 0);
  return maps().find(path) == std::string::npos;
}

/// `goes`: it is known to be unloaded. What GCC has made of the static library's templates keeps a module loaded that
/// shows them (STB_GNU_UNIQUE).
void load_often(const char* path, bool goes) {
  const char* const text = std::getenv("RIFFLE_LOADS");
  const int times = text != nullptr ? std::atoi(text) : 8;
  constexpr int before = 5;  // until what is allocated once is there
  constexpr long slack = 1 << 20;
  Scores first;
  ASSERT_TRUE(load_once(path, first) || !goes);
  ASSERT_GT(first.size(), 0U);
  long memory = 0;
  for (int i = 0; i < before + times && !::testing::Test::HasFailure(); ++i) {
    if (i == before) memory = resident();
    Scores scores;
    EXPECT_TRUE(load_once(path, scores) || !goes);
    EXPECT_EQ(scores, first);
    EXPECT_TRUE(child_ends_well(nullptr)) << "what watches for forks is gone with the library";
  }
  EXPECT_LT(resident() - memory, slack);
}

TEST(Loaded, TheSharedLibraryComesAndGoes) { load_often(RIFFLE_SHARED_LIBRARY, true); }

TEST(Loaded, AModuleWithTheStaticLibraryComesAndGoes) { load_often(RIFFLE_MODULE, false); }

}  // namespace
