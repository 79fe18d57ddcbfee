/* A picture (PPM or PGM, "P6" or "P5") to the objects that a detector finds in it, in the picture's own pixels. */
#include <riffle/riffle.h>
#include <stdio.h>

static uint8_t pixels[2048 * 2048 * 3];

static int next_number(FILE* file) {
  int number = 0, c = fgetc(file);
  while (c == ' ' || c == '\n') c = fgetc(file);
  for (; c >= '0' && c <= '9' && number < 10000; c = fgetc(file)) number = 10 * number + c - '0';
  return number;
}

static int read_picture(const char* path, riffle_frame* frame) {
  FILE* file = fopen(path, "rb");
  int kind = 0;
  int good = file != NULL && fgetc(file) == 'P' && ((kind = fgetc(file)) == '5' || kind == '6');
  good = good && (frame->width = next_number(file)) <= 2048 && (frame->height = next_number(file)) <= 2048;
  if (!good || next_number(file) != 255) return 0;
  frame->planes[0] = pixels;
  frame->format = kind == '5' ? RIFFLE_GREY : RIFFLE_RGB;
  const size_t size = (size_t)frame->width * (size_t)frame->height * (kind == '5' ? 1 : 3);
  good = fread(pixels, 1, size, file) == size;
  fclose(file);
  return good;
}

int main(int count, char** arguments) {
  riffle_error error = {"give it a model and a PPM or PGM file of 8 bits, at most 2048 pixels wide and high"};
  riffle_frame frame = {.width = 0};
  riffle_model* model;
  riffle_session* session;
  riffle_detector* detector;
  riffle_findings found;
  if (count != 3 || !read_picture(arguments[2], &frame) ||
      riffle_model_load_file(arguments[1], &model, &error) != RIFFLE_OK ||
      riffle_session_create(model, NULL, &session, &error) != RIFFLE_OK ||
      riffle_detector_create(session, NULL, &detector, &error) != RIFFLE_OK ||
      riffle_detector_run(detector, &frame, &found, &error) != RIFFLE_OK) { /* of a camera, once a frame */
    return fprintf(stderr, "detect-c: %s\n", error.message), 1;
  }
  for (size_t i = 0; i < found.count; ++i) {
    const riffle_detection* box = &found.detections[i];
    const char* name = riffle_model_label(model, (size_t)box->label);
    printf("%-12s %5.1f %%   %6.1f %6.1f %6.1f %6.1f\n", name != NULL ? name : "?", 100 * box->score, box->x0, box->y0,
           box->x1, box->y1);
  }
  riffle_detector_free(detector);
  riffle_session_free(session);
  riffle_model_free(model);
  return 0;
}
