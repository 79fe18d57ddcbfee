// riffle detect, landmarks, segment: networks whose answers follow from a picture's colours.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/picture.hpp"
#include "tests/cli_fixture.hpp"

namespace riffle::tests {
namespace {

using nlohmann::json;

/// A convolution whose windows do not overlap: output o is bias[o], and red (0), green (1) or blue (2) of the window's
/// mean if colors[o] is not -1.
graph::Convolution means(std::int32_t size, const std::vector<int>& colors, std::vector<float> bias) {
  graph::Convolution convolution;
  convolution.outputs = static_cast<std::int32_t>(colors.size());
  convolution.window = {.kernel_h = size, .kernel_w = size, .stride_h = size, .stride_w = size};
  const auto area = static_cast<std::size_t>(size * size);
  std::vector<float> weights(colors.size() * 3 * area);
  for (std::size_t o = 0; o < colors.size(); ++o) {
    if (colors[o] < 0) continue;
    std::fill_n(weights.begin() + static_cast<std::ptrdiff_t>((3 * o + static_cast<std::size_t>(colors[o])) * area),
                area, 1.0F / static_cast<float>(area));
  }
  convolution.weights = graph::Constant(std::move(weights));
  convolution.bias = graph::Constant(std::move(bias));
  return convolution;
}

class Answers : public Cli {
 protected:
  std::string saved(const std::string& name, std::int32_t size, const graph::Convolution& convolution) {
    graph::Graph graph;
    graph.name = name;
    const graph::NodeId input = graph.add("pixels", graph::Input{{size, size, 3}});
    graph.outputs = {{graph.add("out", convolution, {input})}};
    format::save_file(graph, folder.path(name + ".riffle"));
    return folder.path(name + ".riffle");
  }
  std::string written(const std::string& name, const std::string& text) { return folder.write(name, bytes_of(text)); }

  /// Two classes, red and green, a cell of 8 x 8 pixels each, whose box is the cell, and two points.
  std::vector<std::string> detector() {
    const std::string model =
        saved("detector", 32,
              means(8, {0, 1, -1, -1, -1, -1, -1, -1, -1, -1}, {0, 0, 0.5F, 0.5F, 1, 1, 0.25F, 0.5F, 0.25F, 1}));
    return {model, "--describe", written("detector.json", R"({
      "task": "detect", "labels": ["red thing", "green thing"], "resize": {"antialias": false},
      "levels": [{"stride": 8, "scores": {"output": "out", "count": 2}, "boxes": {"output": "out", "first": 2, "count": 4},
                  "points": {"output": "out", "first": 6}}],
      "mappings": {"position": {"unit": "cell"}, "size": {"unit": "cell"}, "point": {"unit": "cell"}}})")};
  }

  /// 64 x 32: cells of twice the width. What is red is red, what is green half so.
  std::string colored(const std::string& name) {
    io::Picture picture = {64, 32, 3, std::vector<std::uint8_t>(std::size_t{64} * 32 * 3)};
    const auto fill = [&](int x0, int y0, int x1, int y1, std::size_t channel, std::uint8_t value) {
      for (int y = y0; y < y1; ++y) {
        for (int x = x0; x < x1; ++x) picture.pixels[static_cast<std::size_t>(3 * (64 * y + x)) + channel] = value;
      }
    };
    fill(16, 8, 32, 16, 0, 255);
    fill(48, 24, 64, 32, 1, 153);
    io::write_png(folder.path(name), picture);
    return folder.path(name);
  }

  static json parsed(const Result& result) {
    EXPECT_EQ(result.code, 0) << result.err;
    return json::parse(result.out);
  }
  static std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static std::vector<std::string> command(const std::string& name, const std::vector<std::string>& words) {
    return with({name}, words);
  }
};

TEST_F(Answers, boxes_are_in_the_pictures_pixels) {
  const std::string picture = colored("a.png");
  const json document = parsed(riffle(command("detect", with(detector(), {picture, "--json"}))));
  const json& row = document.at("pictures").at(0);
  EXPECT_EQ(row.at("picture"), picture);
  EXPECT_EQ(row.at("width"), 64);
  EXPECT_EQ(row.at("height"), 32);
  const json& objects = row.at("objects");
  ASSERT_EQ(objects.size(), 2);
  EXPECT_EQ(objects[0], json::parse(R"({"label": "red thing", "class": 0, "score": 1.0, "box": [16.0, 8.0, 32.0, 16.0],
                                        "points": [[20.0, 12.0], [20.0, 16.0]]})"));
  EXPECT_EQ(objects[1].at("label"), "green thing");
  EXPECT_EQ(objects[1].at("box"), json::parse("[48.0, 24.0, 64.0, 32.0]"));
  EXPECT_NEAR(objects[1].at("score").get<double>(), 0.6, 1e-4);

  const Result table = riffle(command("detect", with(detector(), {picture})));
  EXPECT_TRUE(contains(table.out, "red thing"));
  EXPECT_TRUE(contains(table.out, "16.0"));
  EXPECT_TRUE(contains(table.out, "pictures: stretched to 32 x 32, not antialiased"));

  const Result fewer = riffle(command("detect", with(detector(), {picture, "--threshold", "0.7"})));
  EXPECT_FALSE(contains(fewer.out, "green thing"));
  const Result none = riffle(command("detect", with(detector(), {picture, "--threshold", "2"})));
  EXPECT_EQ(none.code, 0);
  EXPECT_TRUE(contains(none.out, "none"));
}

TEST_F(Answers, are_drawn) {
  const std::string a = colored("a.png"), b = colored("b.png");
  for (const std::string& place : {folder.path("drawn.png"), folder.path("drawn") + "/"}) {
    const json document = parsed(riffle(command("detect", with(detector(), {a, "--json", "--draw", place}))));
    const std::string file = document.at("pictures")[0].at("drawing");
    const io::Picture drawn = io::read_picture(file, 3), before = io::read_picture(a, 3);
    EXPECT_EQ(drawn.width, 64);
    EXPECT_NE(drawn.pixels, before.pixels);
  }
  EXPECT_EQ(riffle(command("detect", with(detector(), {a, b, "--draw", folder.path("drawn")}))).code, 0);
  EXPECT_EQ(io::read_picture(folder.path("drawn/b.png"), 3).height, 32);

  const auto refused = [&](const std::vector<std::string>& more) {
    const Result result = riffle(command("detect", with(detector(), more)));
    EXPECT_EQ(result.code, 1);
    return result.err;
  };
  EXPECT_TRUE(contains(refused({a, b, "--draw", folder.path("x.png")}), "is one file for 2 pictures"));
  EXPECT_TRUE(contains(refused({a, "--draw", folder.path("x.jpg")}), "does not end in .png"));
  EXPECT_TRUE(contains(refused({a, "--draw", a}), "is the file of PICTURE"));
  EXPECT_TRUE(contains(refused({a, a, "--draw", folder.path("drawn")}), "two pictures would become"));
}

TEST_F(Answers, of_pictures_that_can_be_read_are_given_all_the_same) {
  const std::string good = colored("a.png"), bad = folder.write("bad.png", bytes_of("no picture"));
  const Result table = riffle(command("detect", with(detector(), {bad, good})));
  EXPECT_EQ(table.code, 1);
  EXPECT_TRUE(contains(table.err, bad + ": neither a PNG nor a JPEG"));
  EXPECT_TRUE(contains(table.err, "1 of 2 pictures cannot be read"));
  EXPECT_TRUE(contains(table.out, "red thing"));
  const Result text = riffle(command("detect", with(detector(), {bad, good, "--json"})));
  EXPECT_EQ(text.code, 1);
  const json rows = json::parse(text.out).at("pictures");
  EXPECT_TRUE(contains(rows[0].at("error").get<std::string>(), "neither a PNG nor a JPEG"));
  EXPECT_EQ(rows[1].at("objects").size(), 2);
}

TEST_F(Answers, need_a_task_and_the_right_one) {
  const std::string picture = colored("a.png");
  const Result without = riffle({"detect", detector()[0], picture});
  EXPECT_EQ(without.code, 1);
  EXPECT_TRUE(contains(without.err, "does not say what its answers mean"));
  const Result other = riffle(command("segment", with(detector(), {picture})));
  EXPECT_EQ(other.code, 1);
  EXPECT_TRUE(contains(other.err, "a model that detects, which is not for riffle segment"));
  const Result damaged =
      riffle({"detect", detector()[0], picture, "--describe", written("bad.json", R"({"task": "detect"})")});
  EXPECT_EQ(damaged.code, 1);
  EXPECT_TRUE(contains(damaged.err, "bad.json: "));
}

/// Two points, at a quarter and at three quarters of the input, and red as the score.
std::string landmarks_json(const std::string& more) {
  return R"({"task": "landmarks", "resize": {"antialias": false}, "points": {"output": "out", "count": 4},
             "scores": {"output": "out", "first": 4}, "mappings": {"point": {"unit": "input"}})" +
         more + "}";
}

TEST_F(Answers, landmarks_of_a_whole_picture_and_of_boxes) {
  const std::string picture = colored("a.png");
  const std::string model = saved("landmarks", 8, means(8, {-1, -1, -1, -1, 0}, {0.25F, 0.5F, 0.75F, 0.5F, 0}));
  const auto points = [&](const std::string& description, const std::vector<std::string>& more) {
    const json document = parsed(riffle(
        command("landmarks", with({model, "--describe", written("l.json", description), picture, "--json"}, more))));
    return document.at("pictures")[0].at("objects");
  };
  // Red is a sixteenth of the picture.
  EXPECT_TRUE(points(landmarks_json(""), {}).empty());
  const json whole = points(landmarks_json(""), {"--threshold", "0.05"});
  ASSERT_EQ(whole.size(), 1);
  EXPECT_EQ(whole[0].at("points"), json::parse("[[16.0, 16.0], [48.0, 16.0]]"));

  const std::vector<std::string> words = detector();
  const std::vector<std::string> detecting = {"--boxes", words[0], "--describe-boxes", words[2]};
  const json boxes = points(landmarks_json(""), detecting);
  ASSERT_EQ(boxes.size(), 1);  // in the green one is no red
  EXPECT_EQ(boxes[0].at("box"), json::parse("[16.0, 8.0, 32.0, 16.0]"));
  EXPECT_EQ(boxes[0].at("score"), 1.0);
  EXPECT_EQ(boxes[0].at("points"), json::parse("[[20.0, 12.0], [28.0, 12.0]]"));
  // Twice as large and square: 32 x 32 about (24, 12), an eighth of which is red.
  const json square =
      points(landmarks_json(R"(, "threshold": 0.1, "region": {"scale": 2, "square": true})"), detecting);
  ASSERT_EQ(square.size(), 1);
  EXPECT_EQ(square[0].at("points"), json::parse("[[16.0, 12.0], [32.0, 12.0]]"));
  // Cut at the picture's edges: 56 x 28 of 64 x 32.
  const json cut =
      points(landmarks_json(R"(, "threshold": 0.05, "region": {"scale": 4, "outside": "cut"})"), detecting);
  ASSERT_GE(cut.size(), 1);  // the green one is near enough now
  EXPECT_EQ(cut[0].at("points"), json::parse("[[14.0, 14.0], [42.0, 14.0]]"));
  // From the first point downwards to the second is the region's right.
  const json turned = points(landmarks_json(R"(, "threshold": 0.1, "region": {"turned_by": [0, 1]})"), detecting);
  ASSERT_EQ(turned.size(), 1);
  const json& at = turned[0].at("points");
  EXPECT_NEAR(at[0][0].get<double>(), 24, 1e-3);
  EXPECT_NEAR(at[0][1].get<double>(), 8, 1e-3);
  EXPECT_NEAR(at[1][1].get<double>(), 16, 1e-3);

  const Result drawn = riffle(
      with({"landmarks", model, "--describe", folder.path("l.json"), picture, "--draw", folder.path("drawn.png")},
           detecting));
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_NE(io::read_picture(folder.path("drawn.png"), 3).pixels, io::read_picture(picture, 3).pixels);
}

TEST_F(Answers, masks) {
  const std::string picture = colored("a.png");
  const std::string model = saved("mask", 32, means(1, {0}, {0}));
  const std::string description = written("m.json", R"({"task": "segment", "scores": "out", "foreground": 0,
                                                        "resize": {"antialias": false}})");
  const std::string mask = folder.path("mask.png"), drawn = folder.path("drawn.png");
  const json row =
      parsed(riffle({"segment", model, "--describe", description, picture, "--json", "--mask", mask, "--draw", drawn}))
          .at("pictures")[0];
  EXPECT_EQ(row.at("classes"), json::parse(R"([{"class": 1, "area": 0.0625, "box": [16.0, 8.0, 32.0, 16.0]}])"));
  const io::Picture written_mask = io::read_picture(mask, 1);
  ASSERT_EQ(written_mask.width, 64);
  for (const auto& [x, y, value] : {std::array{20, 12, 255}, {40, 12, 0}, {20, 20, 0}, {56, 28, 0}}) {
    EXPECT_EQ(written_mask.pixels[static_cast<std::size_t>(64 * y + x)], value) << x << ", " << y;
  }
  EXPECT_NE(io::read_picture(drawn, 3).pixels, io::read_picture(picture, 3).pixels);

  // The largest of three wins: what is neither, red, green.
  const std::string classes = saved("classes", 32, means(1, {-1, 0, 1}, {0.5F, 0, 0}));
  const std::string described = written("c.json", R"({"task": "segment", "scores": "out",
      "labels": ["background", "red thing", "green thing"], "resize": {"antialias": false}})");
  const json all = parsed(riffle({"segment", classes, "--describe", described, picture, "--json"})).at("pictures")[0];
  ASSERT_EQ(all.at("classes").size(), 3);
  EXPECT_EQ(all.at("classes")[2].at("label"), "green thing");
  EXPECT_EQ(all.at("classes")[2].at("area"), 0.0625);
  EXPECT_EQ(all.at("classes")[2].at("box"), json::parse("[48.0, 24.0, 64.0, 32.0]"));
  const Result refused = riffle({"segment", classes, "--describe", described, picture, "--threshold", "0.1"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.err, "the largest of a pixel's classes wins"));
}

}  // namespace
}  // namespace riffle::tests
