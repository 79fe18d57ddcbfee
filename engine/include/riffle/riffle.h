/* riffle: CPU inference for the ShuffleNet family.
 *
 *   riffle_model* model;
 *   riffle_session* session;
 *   riffle_model_load_file("net.riffle", &model, NULL);
 *   riffle_session_create(model, NULL, &session, NULL);
 *   riffle_session_run(session, input, output, 1, NULL);
 *   riffle_session_free(session);
 *   riffle_model_free(model);
 *
 * Tensors are float32, planes of rows (N, C, H, W), images one after the other. Sizes are in elements, never bytes,
 * except where a name says so.
 *
 * No function prints, aborts or throws. What can fail returns a status, and says what was wrong in *error where that is
 * given; on failure nothing is created and *out is NULL. A null pointer where one is needed is
 * RIFFLE_BAD_ARGUMENT; the *_free functions take NULL.
 *
 * Threads: a model is immutable; any number of threads may make sessions of it at the same time. A session runs one
 * inference at a time; different sessions may run at the same time. There is no global state.
 */
#ifndef RIFFLE_RIFFLE_H
#define RIFFLE_RIFFLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RIFFLE_API __attribute__((visibility("default"), warn_unused_result))
#define RIFFLE_API_VOID __attribute__((visibility("default")))
#else
#define RIFFLE_API
#define RIFFLE_API_VOID
#endif

typedef enum riffle_status {
  RIFFLE_OK = 0,
  RIFFLE_BAD_ARGUMENT = 1, /* a null pointer, a number out of range, an instruction set that does not run here */
  RIFFLE_BAD_MODEL = 2,    /* a file that cannot be read, or is no model that this version runs */
  RIFFLE_NO_MEMORY = 3
} riffle_status;

/* What was wrong, in words; a string of at most 511 bytes. */
typedef struct riffle_error {
  char message[512];
} riffle_error;

typedef struct riffle_model riffle_model;
typedef struct riffle_session riffle_session;

/* One image's tensor. */
typedef struct riffle_shape {
  int32_t channels, height, width;
} riffle_shape;

/* Zero is every field's default, so that `riffle_options options = {0};` is a good start. */
typedef struct riffle_options {
  int32_t threads;       /* 0: one; at most 256 */
  int32_t height, width; /* of the input; 0: the model's own */
  const char* isa;       /* "avx2", "neon64" ...; NULL: what RIFFLE_ISA in the environment says, else this CPU's best */
} riffle_options;

/* Maps a .riffle file. The file must not change while the model lives. */
RIFFLE_API riffle_status riffle_model_load_file(const char* path, riffle_model** out, riffle_error* error);

/* Reads a .riffle file's bytes from memory, 16-byte aligned. They are not copied: the caller keeps them, unchanged,
 * until the model and every session of it are freed. */
RIFFLE_API riffle_status riffle_model_load_memory(const void* bytes, size_t byte_count, riffle_model** out,
                                                  riffle_error* error);

/* Sessions of the model stay usable. */
RIFFLE_API_VOID void riffle_model_free(riffle_model* model);

/* Plans the network for this CPU and allocates the working memory. options may be NULL. */
RIFFLE_API riffle_status riffle_session_create(const riffle_model* model, const riffle_options* options,
                                               riffle_session** out, riffle_error* error);

RIFFLE_API_VOID void riffle_session_free(riffle_session* session);

/* The shapes that riffle_session_run reads and writes an image. {0, 0, 0} for NULL. */
RIFFLE_API riffle_shape riffle_session_input_shape(const riffle_session* session);
RIFFLE_API riffle_shape riffle_session_output_shape(const riffle_session* session);

/* Runs `batch` images: input holds batch input shapes, output is given batch output shapes; the two do not overlap.
 * Allocates nothing. */
RIFFLE_API riffle_status riffle_session_run(riffle_session* session, const float* input, float* output, int64_t batch,
                                            riffle_error* error);

/* The name of the instruction set that the session runs on; NULL for NULL. Lives as long as the program. */
RIFFLE_API const char* riffle_session_isa(const riffle_session* session);

/* "0.1.0" */
RIFFLE_API const char* riffle_version(void);

#ifdef __cplusplus
}
#endif

#endif
