// What Classifier.kt calls: a camera's frame to the network's outputs. A handle is a Classifier's address; its owner
// calls from one thread at a time.
#include <jni.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <riffle/riffle.hpp>
#include <span>
#include <vector>

#ifdef RIFFLE_EXAMPLE_MODEL
#include "fashion.h"
#else
extern "C" const void* const fashion;
extern "C" const std::size_t fashion_size;
#endif

namespace {

riffle_options options_of(jint threads) {
  riffle_options options = {};
  options.threads = threads;
  options.cores = RIFFLE_CORES_BIG;
  return options;
}

struct Classifier {
  explicit Classifier(jint threads)
      : model(std::span(static_cast<const std::byte*>(fashion), fashion_size)),
        session(model, options_of(threads)),
        input(session.input().size),
        output(session.output().size) {}

  riffle::Model model;
  riffle::Session session;
  std::vector<float> input, output;
};

void fail(JNIEnv* env, const char* message) {
  if (const jclass type = env->FindClass("java/lang/IllegalStateException")) env->ThrowNew(type, message);
}

const std::uint8_t* address(JNIEnv* env, jobject buffer) {
  return static_cast<const std::uint8_t*>(env->GetDirectBufferAddress(buffer));
}

}  // namespace

extern "C" {

JNIEXPORT jlong JNICALL Java_riffle_example_Classifier_create(JNIEnv* env, jobject, jint threads) {
  try {
    return reinterpret_cast<jlong>(std::make_unique<Classifier>(threads).release());
  } catch (const std::exception& error) {
    fail(env, error.what());
    return 0;
  }
}

JNIEXPORT void JNICALL Java_riffle_example_Classifier_free(JNIEnv*, jobject, jlong handle) {
  delete reinterpret_cast<Classifier*>(handle);
}

/// A frame in ImageFormat.YUV_420_888: three direct buffers. `rotation`: degrees clockwise that make it upright.
JNIEXPORT jfloatArray JNICALL Java_riffle_example_Classifier_classify(JNIEnv* env, jobject, jlong handle, jobject y,
                                                                      jobject u, jobject v, jint y_stride,
                                                                      jint uv_stride, jint uv_pixel_stride, jint width,
                                                                      jint height, jint rotation, jboolean mirrored) {
  auto& self = *reinterpret_cast<Classifier*>(handle);
  riffle_frame frame = {};
  frame.width = width;
  frame.height = height;
  frame.rotation = rotation;
  frame.mirrored = mirrored;
  // The middle square, whatever the rotation: the network takes a square and knows no other shapes.
  frame.crop_width = frame.crop_height = width < height ? width : height;
  frame.crop_x = (width - frame.crop_width) / 2;
  frame.crop_y = (height - frame.crop_height) / 2;
  frame.planes[0] = address(env, y);
  frame.strides[0] = y_stride;
  const std::uint8_t* const blue = address(env, u);
  const std::uint8_t* const red = address(env, v);
  if (uv_pixel_stride == 1) {
    frame.format = RIFFLE_I420;
    frame.planes[1] = blue;
    frame.planes[2] = red;
    frame.strides[1] = frame.strides[2] = uv_stride;
  } else {  // two views of one plane of pairs, the later one a byte on
    frame.format = blue < red ? RIFFLE_NV12 : RIFFLE_NV21;
    frame.planes[1] = blue < red ? blue : red;
    frame.strides[1] = uv_stride;
  }
  riffle_error error;
  if (riffle_session_read_frame(self.session.get(), &frame, nullptr, self.input.data(), &error) != RIFFLE_OK ||
      riffle_session_run(self.session.get(), self.input.data(), self.output.data(), 1, &error) != RIFFLE_OK) {
    fail(env, error.message);
    return nullptr;
  }
  const auto count = static_cast<jsize>(self.output.size());
  const jfloatArray result = env->NewFloatArray(count);
  if (result != nullptr) env->SetFloatArrayRegion(result, 0, count, self.output.data());
  return result;
}
}
