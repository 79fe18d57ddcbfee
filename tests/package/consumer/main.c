/* Loads the model that the command line names, runs it on two blank images, and checks what comes out; then checks that
 * a model that is not there is refused in words. Of a small build the command line names a second model, which needs an
 * operation that was left out. */
#include <math.h>
#include <riffle/riffle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fashion_riffle.h"

int run_with_classes(const char* path); /* the same through the C++ layer; returns the number of outputs */

static int fail(const char* what, const char* message) {
  fprintf(stderr, "%s: %s\n", what, message);
  return 1;
}

/* Neither frames nor the model's softmax are in this build. */
static int is_refused(const char* path, const riffle_session* session, float* input) {
  const uint8_t pixel = 0;
  riffle_frame frame = {0};
  frame.planes[0] = &pixel;
  frame.width = frame.height = 1;
  frame.format = RIFFLE_GREY;
  riffle_error error = {""};
  if (riffle_session_read_frame(session, &frame, NULL, input, &error) != RIFFLE_UNSUPPORTED) return 0;
  if (strstr(error.message, "without frames") == NULL) return 0;
  riffle_model* model;
  const riffle_status status = riffle_model_load_file(path, &model, &error);
  return status == RIFFLE_UNSUPPORTED && model == NULL && strstr(error.message, "this build has no softmax") != NULL;
}

int main(int count, char** arguments) {
  if (count != 2 && count != 3) return fail("usage", "consumer MODEL.riffle [MODEL.riffle of what is left out]");
  riffle_error error;
  riffle_model* model;
  if (riffle_model_load_file(arguments[1], &model, &error) != RIFFLE_OK) return fail("load", error.message);
  riffle_options options = {0};
  options.threads = 2;
  riffle_session* session;
  if (riffle_session_create(model, &options, &session, &error) != RIFFLE_OK) return fail("session", error.message);

  const size_t in = riffle_session_input(session).size, out = riffle_session_output(session).size;
  float* input = calloc(2 * in, sizeof *input);
  float* output = calloc(2 * out, sizeof *output);
  if (input == NULL || output == NULL) return fail("calloc", "no memory");
  if (riffle_session_run(session, input, output, 2, &error) != RIFFLE_OK) return fail("run", error.message);
  int different = 0;
  for (size_t i = 0; i < out; ++i) {
    if (!isfinite(output[i])) return fail("run", "the result is not finite");
    different |= output[i] != output[0];
  }
  if (!different) return fail("run", "all results are the same");
  if (memcmp(output, output + out, out * sizeof *output) != 0) return fail("run", "equal images, different results");
  printf("riffle %s on %s: %zu -> %zu\n", riffle_version(), riffle_session_isa(session), in, out);

  /* The same model, as it is inside this program. */
  float* again = calloc(out, sizeof *again);
  riffle_model* inside;
  riffle_session* other;
  if (again == NULL || riffle_model_load_memory(fashion_riffle, fashion_riffle_size, &inside, &error) != RIFFLE_OK ||
      riffle_session_create(inside, NULL, &other, &error) != RIFFLE_OK ||
      riffle_session_run(other, input, again, 1, &error) != RIFFLE_OK) {
    return fail("embedded", error.message);
  }
  if (memcmp(output, again, out * sizeof *output) != 0) return fail("embedded", "another result");
  if (count == 3 && !is_refused(arguments[2], session, input)) return fail("what is left out", "is not refused");
  riffle_session_free(other);
  riffle_model_free(inside);
  free(again);
  riffle_session_free(session);
  riffle_model_free(model);
  free(input);
  free(output);

  if (run_with_classes(arguments[1]) != (int)out) return fail("C++", "another number of outputs");
  if (riffle_model_load_file("is/not/there.riffle", &model, &error) != RIFFLE_BAD_MODEL || model != NULL ||
      strstr(error.message, "is/not/there.riffle") == NULL) {
    return fail("a missing file", "is not refused by its name");
  }
  return 0;
}
