/* A picture (PGM, "P5") to the name of what it shows, with the model inside the program. */
#include <riffle/riffle.h>
#include <stdio.h>

#include "fashion.h"

static uint8_t pixels[2048 * 2048];

static int next_number(FILE* file) {
  int number = 0, c = fgetc(file);
  while (c == ' ' || c == '\n') c = fgetc(file);
  for (; c >= '0' && c <= '9' && number < 10000; c = fgetc(file)) number = 10 * number + c - '0';
  return number;
}

int main(int count, char** arguments) {
  riffle_error error = {"give it a PGM file of 8 bits, at most 2048 pixels wide and high"};
  FILE* file = count == 2 ? fopen(arguments[1], "rb") : NULL;
  riffle_frame frame = {.planes = {pixels}, .format = RIFFLE_GREY};
  int good = file != NULL && fgetc(file) == 'P' && fgetc(file) == '5';
  good = good && (frame.width = next_number(file)) <= 2048 && (frame.height = next_number(file)) <= 2048;
  const size_t size = (size_t)frame.width * (size_t)frame.height;
  good = good && next_number(file) == 255 && fread(pixels, 1, size, file) == size;

  riffle_model* model;
  riffle_session* session;
  float input[64 * 64], output[10]; /* riffle_session_input() and _output() say what a model takes and gives */
  if (!good || riffle_model_load_memory(fashion, fashion_size, &model, &error) != RIFFLE_OK ||
      riffle_session_create(model, NULL, &session, &error) != RIFFLE_OK ||
      riffle_session_read_frame(session, &frame, NULL, input, &error) != RIFFLE_OK ||
      riffle_session_run(session, input, output, 1, &error) != RIFFLE_OK) {
    return fprintf(stderr, "embed-c: %s\n", error.message), 1;
  }
  int best = 0;
  for (int i = 1; i < 10; ++i) best = output[i] > output[best] ? i : best;
  return puts(riffle_model_label(model, best)) < 0; /* the system takes back the rest */
}
