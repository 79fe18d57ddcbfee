/* A picture (PGM, "P5") to the name of what it shows, with the model inside the program. */
#include <riffle/riffle.h>
#include <stdio.h>
#include <stdlib.h>

#include "fashion.h"

static const char* const labels[] = {"T-shirt/top", "trouser", "pullover", "dress", "coat",
                                     "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot"};

static int fail(const char* what) {
  fprintf(stderr, "embed-c: %s\n", what);
  return 1;
}

int main(int count, char** arguments) {
  FILE* file = count == 2 ? fopen(arguments[1], "rb") : NULL;
  if (file == NULL) return fail("give it a PGM file");
  riffle_frame frame = {.format = RIFFLE_GREY};
  if (fscanf(file, "P5 %d %d 255", &frame.width, &frame.height) != 2 || fgetc(file) == EOF || frame.width < 1 ||
      frame.height < 1 || frame.width > 4096 || frame.height > 4096) {
    return fail("the file is no PGM of 8 bits");
  }
  const size_t size = (size_t)frame.width * (size_t)frame.height;
  uint8_t* pixels = malloc(size);
  if (pixels == NULL || fread(pixels, 1, size, file) != size) return fail("the file is too short");
  frame.planes[0] = pixels;

  riffle_error error;
  riffle_model* model;
  riffle_session* session;
  float input[64 * 64], output[10]; /* what this model takes and gives: riffle_session_input(), _output() */
  if (riffle_model_load_memory(fashion, fashion_size, &model, &error) ||
      riffle_session_create(model, NULL, &session, &error) ||
      riffle_session_read_frame(session, &frame, NULL, input, &error) ||
      riffle_session_run(session, input, output, 1, &error)) {
    return fail(error.message);
  }
  int best = 0;
  for (int i = 1; i < 10; ++i) best = output[i] > output[best] ? i : best;
  puts(labels[best]);
  return 0; /* the system takes back what a program of one picture holds */
}
