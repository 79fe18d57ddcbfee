#include <riffle/riffle.hpp>
#include <vector>

extern "C" int run_with_classes(const char* path) {
  try {
    const riffle::Model model(path);
    riffle::Session session(model);
    const std::vector<float> input(session.input().size);
    std::vector<float> output(session.output().size);
    session.run(input, output);
    return static_cast<int>(output.size());
  } catch (const riffle::Failure&) {
    return -1;
  }
}
