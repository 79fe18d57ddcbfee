#include "io/description_presets.hpp"

namespace riffle::io {
namespace {

using graph::Align;
using graph::BoxForm;
using graph::Fit;
using graph::Level;
using graph::Preprocessing;
using graph::Suppression;
using graph::Transform;
using graph::Unit;

constexpr float of_pixels = 1.0F / 255.0F;

/// The same level for each stride.
std::vector<Level> at(std::initializer_list<float> strides, Level level) {
  std::vector<Level> levels;
  for (const float stride : strides) {
    level.stride = stride;
    levels.push_back(level);
  }
  return levels;
}

/// Box and objectness in front of the classes, all in one output.
Level yolo() {
  return {.scores = {.output = unnamed, .first = 5},
          .objectness = {.output = unnamed, .first = 4, .count = 1},
          .boxes = {.output = unnamed, .first = 0, .count = 4}};
}

Level with_anchors(float stride, std::vector<float> sizes) {
  Level level = yolo();
  level.stride = stride;
  level.anchors = static_cast<std::int32_t>(sizes.size() / 2);
  level.sizes = std::move(sizes);
  return level;
}

std::vector<Preset> made() {
  // dog-qiuqiu/FastestDet
  Preset fastestdet = {.name = "fastestdet", .preprocessing = {.antialias = false, .bgr = true}, .detect = {}};
  fastestdet.detect = {
      .levels = at({16}, {.scores = {.output = unnamed, .first = 5},
                          .objectness = {.output = unnamed, .first = 0, .count = 1},
                          .boxes = {.output = unnamed, .first = 1, .count = 4}}),
      .position = {.transform = Transform::tanh, .unit = Unit::cell},
      .size = {.transform = Transform::sigmoid, .unit = Unit::input},
      .score = {.power = 0.4F},
      .objectness = {.power = 0.6F},
      .threshold = 0.65F,
      .iou = 0.45F,
  };

  // RangiLyu/nanodet
  Preset nanodet = {.name = "nanodet",
                    .preprocessing = {.resize = Fit::letterbox,
                                      .antialias = false,
                                      .mean = {103.53F / 255, 116.28F / 255, 123.675F / 255},
                                      .deviation = {57.375F / 255, 57.12F / 255, 58.395F / 255},
                                      .bgr = true},
                    .detect = {}};
  nanodet.detect = {
      .levels = at({8, 16, 32}, {.scores = {.output = unnamed}, .boxes = {.output = unnamed}}),
      .offset = 0.5F,
      .shift = -0.5F,
      .form = BoxForm::distances,
      .size = {.unit = Unit::cell},
      .bins = 8,
      .threshold = 0.35F,
      .clip_to_input = true,
      .clip_to_picture = true,
      .most_of_level = 1000,
      .iou = 0.6F,
  };

  // ShiqiYu/libfacedetection.train; the outputs have these names
  Preset yunet = {.name = "yunet",
                  .preprocessing = {.resize = Fit::letterbox,
                                    .antialias = false,
                                    .deviation = {of_pixels},
                                    .bgr = true,
                                    .align = Align::top_left},
                  .detect = {}};
  yunet.detect = {
      .levels = at({8, 16, 32}, {}),
      .position = {.unit = Unit::cell},
      .size = {.transform = Transform::exponential, .unit = Unit::cell},
      .point = {.unit = Unit::cell},
      .threshold = 0.5F,
      .most = 5000,
      .iou = 0.45F,
      .per_class = false,
  };
  for (Level& level : yunet.detect.levels) {
    const std::string stride = std::to_string(static_cast<int>(level.stride));
    level.scores.output = "cls_" + stride;
    level.objectness.output = "obj_" + stride;
    level.boxes.output = "bbox_" + stride;
    level.points.output = "kps_" + stride;
  }

  // Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB; the outputs have these names
  Preset ultraface = {.name = "ultraface",
                      .preprocessing = {.antialias = false, .mean = {127.0F / 255}, .deviation = {128.0F / 255}},
                      .detect = {}};
  ultraface.detect = {
      .levels = {{.scores = {.output = "scores"}, .boxes = {.output = "boxes"}}},
      .form = BoxForm::corners,
      .position = {.unit = Unit::input},
      .background = true,
      .threshold = 0.7F,
      .most = 200,
      .iou = 0.3F,
      .per_class = false,
  };

  // MediaPipe's of short range, 128 x 128
  Preset blazeface = {
      .name = "blazeface",
      .preprocessing = {.resize = Fit::letterbox, .antialias = false, .mean = {0.5F}, .deviation = {0.5F}},
      .detect = {}};
  blazeface.detect = {
      .levels = at({8, 16}, {.scores = {.output = unnamed},
                             .boxes = {.output = unnamed, .first = 0, .count = 4},
                             .points = {.output = unnamed, .first = 4}}),
      .offset = 0.5F,
      .score = {.transform = Transform::sigmoid},
      .threshold = 0.5F,
      .inclusive = true,
      .suppression = Suppression::weighted,
      .iou = 0.3F,
      .per_class = false,
  };
  blazeface.detect.levels[0].anchors = 2;
  blazeface.detect.levels[1].anchors = 6;

  // Megvii-BaseDetection/YOLOX: all levels in one list
  Preset yolox = {.name = "yolox",
                  .preprocessing = {.resize = Fit::letterbox,
                                    .antialias = false,
                                    .deviation = {of_pixels},
                                    .bgr = true,
                                    .align = Align::top_left,
                                    .pad = {114.0F}},
                  .detect = {}};
  yolox.detect = {
      .levels = at({8, 16, 32}, yolo()),
      .position = {.unit = Unit::cell},
      .size = {.transform = Transform::exponential, .unit = Unit::cell},
      .threshold = 0.3F,
      .iou = 0.45F,
  };

  // ultralytics/yolov5: one list of boxes in pixels, or the heads
  const Preprocessing ultralytics = {.resize = Fit::letterbox, .antialias = false, .pad = {114.0F}};
  Preset yolov5 = {.name = "yolov5", .preprocessing = ultralytics, .detect = {}};
  yolov5.detect = {.levels = {yolo()}, .threshold = 0.25F, .iou = 0.45F};
  yolov5.heads = {with_anchors(8, {10, 13, 16, 30, 33, 23}), with_anchors(16, {30, 61, 62, 45, 59, 119}),
                  with_anchors(32, {116, 90, 156, 198, 373, 326})};
  yolov5.head_position = {.transform = Transform::sigmoid, .times = 2, .plus = -0.5F, .unit = Unit::cell};
  yolov5.head_size = {.transform = Transform::sigmoid, .times = 2, .power = 2, .unit = Unit::anchor};

  // ultralytics: boxes in pixels
  Preset yolov8 = {.name = "yolov8", .preprocessing = ultralytics, .detect = {}};
  yolov8.detect = {
      .levels = {{.scores = {.output = unnamed, .first = 4}, .boxes = {.output = unnamed, .first = 0, .count = 4}}},
      .threshold = 0.25F,
      .iou = 0.7F};

  // SSD as its paper has it (Liu et al. 2016): boxes relative to anchors, variances 0.1 and 0.2, a background
  Preset ssd = {
      .name = "ssd", .preprocessing = {.antialias = false, .mean = {0.5F}, .deviation = {0.5F}}, .detect = {}};
  ssd.detect = {
      .levels = {{.scores = {.output = unnamed}, .boxes = {.output = unnamed}}},
      .offset = 0.5F,
      .position = {.times = 0.1F, .unit = Unit::anchor},
      .size = {.transform = Transform::exponential, .before = 0.2F, .unit = Unit::anchor},
      .score = {.transform = Transform::softmax},
      .background = true,
      .threshold = 0.5F,
      .iou = 0.45F,
  };
  return {fastestdet, nanodet, yunet, ultraface, blazeface, yolox, yolov5, yolov8, ssd};
}

}  // namespace

std::span<const Preset> presets() {
  static const std::vector<Preset> all = made();
  return all;
}

}  // namespace riffle::io
