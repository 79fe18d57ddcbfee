#include <riffle/riffle.hpp>
#include <vector>

extern "C" int run_with_classes(const char* path) {
  try {
    const riffle::NetworkModel model(path);
    riffle::NetworkSession session(model);
    const std::vector<float> input(session.input_size());
    std::vector<float> output(session.output_size());
    session.run(input, output);
    return static_cast<int>(output.size());
  } catch (const riffle::Failure&) {
    return -1;
  }
}
