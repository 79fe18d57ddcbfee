/* riffle: CPU inference for the ShuffleNet family.
 *
 *   riffle_model* model;
 *   riffle_session* session;
 *   riffle_model_load_file("net.riffle", &model, NULL);
 *   riffle_session_create(model, NULL, &session, NULL);
 *   riffle_session_read_frame(session, &frame, NULL, input, NULL);   (a camera's frame, to the network's input)
 *   riffle_session_run(session, input, output, 1, NULL);
 *   riffle_session_free(session);
 *   riffle_model_free(model);
 *
 * Of a model that says what its answers mean, a detector does both in one call, and gives boxes, points or a mask in
 * the frame's pixels: riffle_detector_run().
 *
 * Tensors are planes of rows (N, C, H, W), images one after the other, of float32 unless the model says otherwise. Most
 * networks have one input and one output, and calls without an index are about these; riffle_session_run_buffers() is
 * for all others. Sizes are in elements, never bytes, except where a name says so.
 *
 * Errors: no function aborts, throws or, unless the environment's RIFFLE_LOG asks for it, prints. What can fail returns
 * a status, and says what was wrong in *error where that is given (it may be NULL everywhere). A null pointer where one
 * is needed, and a number out of the range that is stated, is RIFFLE_BAD_ARGUMENT. On failure nothing is created, *out
 * is NULL and no result is written. Functions that return something else than a status take NULL, too, and say what
 * they return for it; the *_free functions do nothing.
 *
 * Threads: any number of threads may make sessions of one model at the same time. A session does one thing at a time (a
 * call from a second thread meanwhile returns RIFFLE_BUSY); different sessions run side by side. There is no global
 * state, but for a counter of forks.
 *
 * fork(): a child may use and free the models and sessions of its parent, and make new ones. A session of several
 * threads has none of them in the child; its first run there starts new ones, or runs on the calling thread alone if
 * the system gives none. What other threads of the parent were doing at the time of the fork is never finished in the
 * child: a session that was at work stays RIFFLE_BUSY, and a model of which a session was being made must not be used.
 *
 * Numbers: a NaN in the input is handed on by every operation, maxima included, on every instruction set. Results have
 * the same bits whatever the calling thread has set for its own arithmetic: another rounding mode, denormal numbers as
 * zero, traps. What it has set is set again when a call returns.
 *
 * Names (char*) that functions return belong to what they were asked of and live as long as it does.
 *
 * Stability: within 0.x, fields are added to the end of structs only, in the place of `reserved`, and zero goes on to
 * mean what it means now; values of enums do not change.
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

/* C makes every enum here as wide as an int. C++ has to be told, so that a number that is no member is still a number.
 */
#ifdef __cplusplus
#define RIFFLE_INT : int
#else
#define RIFFLE_INT
#endif

typedef enum riffle_status RIFFLE_INT {
  RIFFLE_OK = 0,
  RIFFLE_BAD_ARGUMENT = 1, /* a null pointer, a number out of range, an unknown instruction set */
  RIFFLE_BAD_MODEL = 2,    /* a file that cannot be read, or is no model that this version runs */
  RIFFLE_NO_MEMORY = 3,    /* memory, or a thread, that the system does not give */
  RIFFLE_BUSY = 4,         /* the session is at work in another thread */
  RIFFLE_UNSUPPORTED = 5   /* left out when this library was built (RIFFLE_OPERATIONS) */
} riffle_status;

/* What was wrong, in words; a string of at most 511 bytes. Written on failure only. */
typedef struct riffle_error {
  char message[512];
} riffle_error;

/* "0.1.0" */
RIFFLE_API const char* riffle_version(void);

/* ---- This CPU ---- */

/* The cores that a session's threads run on. On a CPU whose cores are all of one kind, big and little are all. */
typedef enum riffle_cores RIFFLE_INT {
  RIFFLE_CORES_ALL = 0,   /* wherever the system puts them */
  RIFFLE_CORES_BIG = 1,   /* all but the slowest kind */
  RIFFLE_CORES_LITTLE = 2 /* the slowest kind */
} riffle_cores;

/* How many cores of that kind the calling thread may run on, but no more than the process's control group has time for
 * (a container's CPU limit, rounded up): as many threads are of use. At least 1; 0 for a value that is no riffle_cores.
 */
RIFFLE_API int32_t riffle_cpu_core_count(riffle_cores cores);

/* The instruction sets that this build has and this CPU runs, best first: "avx512fp16" (half precision),
 * "amxbf16" and "avx512bf16" (bfloat16), "amxint8" and "avx512vnni" (layers of 8-bit integers), "avx512f", "avxvnni"
 * (layers of 8-bit integers), "avx2", "sse2", "neon64bf16" (bfloat16), "neon64i8mm" and "neon64dot" (layers of 8-bit
 * integers), "neon64fp16" (half precision), "neon64", "neon", "scalar". NULL where index is not less than their number.
 * Lives as long as the program. To ask Linux whether "amxint8" or "amxbf16" runs is to ask it for this process's right
 * to use AMX's tiles (arch_prctl); the only thing that changes for the process is that a thread's signal stack
 * (sigaltstack) has to have room for them, as AT_MINSIGSTKSZ says.
 */
RIFFLE_API const char* riffle_cpu_isa(size_t index);

/* ---- Models ---- */

typedef struct riffle_model riffle_model;

/* Maps a .riffle file. The file must not change while the model or a session of it lives. A file that is missing,
 * damaged or too new, and what is no regular file, is RIFFLE_BAD_MODEL. */
RIFFLE_API riffle_status riffle_model_load_file(const char* path, riffle_model** out, riffle_error* error);

/* Reads a .riffle file's bytes from memory, aligned as malloc aligns (16 bytes are enough everywhere; what is aligned
 * to less is RIFFLE_BAD_MODEL). They are not copied: the caller keeps them, unchanged, until the model and every
 * session of it are freed. */
RIFFLE_API riffle_status riffle_model_load_memory(const void* bytes, size_t byte_count, riffle_model** out,
                                                  riffle_error* error);

/* The names of the classes, as far as the model carries them: one for each class of its task, or where it carries none
 * for each of the first output's channels. 0 where there are no names, and for NULL. */
RIFFLE_API size_t riffle_model_label_count(const riffle_model* model);

/* The name of class `index`, bytes as whoever made the model wrote them (UTF-8 from riffle's tools); NULL where index
 * is not less than riffle_model_label_count(), and for NULL. */
RIFFLE_API const char* riffle_model_label(const riffle_model* model, size_t index);

/* What a model's answers are. */
typedef enum riffle_task RIFFLE_INT {
  RIFFLE_NO_TASK = 0, /* the model does not say */
  RIFFLE_CLASSIFY = 1,
  RIFFLE_DETECT = 2,
  RIFFLE_LANDMARKS = 3,
  RIFFLE_SEGMENT = 4
} riffle_task;

/* As the model carries it (`riffle convert --describe`); RIFFLE_NO_TASK for NULL, too. */
RIFFLE_API riffle_task riffle_model_task(const riffle_model* model);

/* Sessions of the model stay usable. */
RIFFLE_API_VOID void riffle_model_free(riffle_model* model);

/* ---- Sessions ---- */

typedef struct riffle_session riffle_session;

typedef enum riffle_log_level RIFFLE_INT { RIFFLE_LOG_INFO = 0, RIFFLE_LOG_WARNING = 1 } riffle_log_level;

/* Log callback, called from riffle_session_create() on the calling thread: what was decided (instruction set, threads,
 * memory) and what could not be done as asked. The message is valid during the call. It must not throw.
 *
 * With RIFFLE_LOG=1 in the environment the messages go to the standard error as well, and with them a line a step: its
 * kernel, and why it is that one. A build for size has no such words and prints nothing. */
typedef void (*riffle_log)(void* user, riffle_log_level level, const char* message);

/* How a number stands in memory. */
typedef enum riffle_type RIFFLE_INT {
  RIFFLE_FLOAT32 = 0,
  RIFFLE_FLOAT16 = 1,  /* IEEE 754 binary16 */
  RIFFLE_BFLOAT16 = 2, /* the upper half of a float32 */
  RIFFLE_INT8 = 3,     /* quantised: scale * (q - zero_point) */
  RIFFLE_UINT8 = 4,    /* quantised alike */
  RIFFLE_INT32 = 5     /* of outputs that are indices */
} riffle_type;

/* Zero is every field's default, so that `riffle_options options = {0};` is a good start. */
typedef struct riffle_options {
  int32_t threads;       /* 0: one; at most 256 */
  int32_t height, width; /* of the inputs; 0: the model's own */
  riffle_cores cores;    /* big or little: the session's threads are bound to cores; the caller's is not one of them */
  const char* isa;     /* the best instruction set that may be used ("avx2": not avx512f); NULL: what RIFFLE_ISA in the
                          environment says, else no bound */
  void* memory;        /* 64-byte aligned, kept by the caller while the session lives; NULL: riffle allocates */
  size_t memory_bytes; /* at least what riffle_session_memory() says; without memory: 0 */
  riffle_log log;      /* NULL: nobody is told */
  void* log_user;
  riffle_type precision; /* what the network is computed in: RIFFLE_FLOAT32, or RIFFLE_FLOAT16 or
                            RIFFLE_BFLOAT16 where this CPU has its arithmetic (elsewhere float32, and `log` is told).
                            Inputs and outputs keep their types. Of a quantised network it changes nothing. */
  const void* reserved[7];
} riffle_options;

/* Plans the network for this CPU and takes the working memory. options may be NULL. Sessions of one model with the same
 * input size, instruction set and precision share its packed weights. An input size that the network cannot take,
 * memory that is too small or not aligned, and a field of `reserved` that is not zero are RIFFLE_BAD_ARGUMENT; a
 * network with an operation that this build leaves out is RIFFLE_UNSUPPORTED. Threads are started here; those that
 * cannot be had are RIFFLE_NO_MEMORY. */
RIFFLE_API riffle_status riffle_session_create(const riffle_model* model, const riffle_options* options,
                                               riffle_session** out, riffle_error* error);

/* *byte_count becomes the working memory of a session with these options (its memory fields are not looked at). Fails
 * for what riffle_session_create() fails for; *byte_count is 0 then. */
RIFFLE_API riffle_status riffle_session_memory(const riffle_model* model, const riffle_options* options,
                                               size_t* byte_count, riffle_error* error);

RIFFLE_API_VOID void riffle_session_free(riffle_session* session);

#define RIFFLE_MAX_RANK 8

/* One image's tensor. Its numbers stand in axes of these extents, the last one's side by side: (C, H, W), a vector (C),
 * or whatever the model declares, as pixels (H, W, C) or (anchors, numbers of an anchor). The tensors of a batch stand
 * one behind the other: a batch is one more axis in front, or, where the model declares none, as many times the first
 * axis (joins_batch). */
typedef struct riffle_tensor {
  const char* name;
  riffle_type type;
  int32_t channels, height, width;
  size_t size;                   /* channels * height * width */
  float scale;                   /* of RIFFLE_INT8 and RIFFLE_UINT8; else 1 */
  int32_t zero_point;            /* alike; else 0 */
  int32_t rank;                  /* at most RIFFLE_MAX_RANK; the batch is not counted */
  int64_t dims[RIFFLE_MAX_RANK]; /* the outermost first; behind the last one 0 */
  int32_t joins_batch;           /* 0 or 1 */
} riffle_tensor;

/* What a run reads and writes an image: the first tensor of either. All zero for NULL. */
RIFFLE_API riffle_tensor riffle_session_input(const riffle_session* session);
RIFFLE_API riffle_tensor riffle_session_output(const riffle_session* session);

/* How many there are; 0 for NULL. */
RIFFLE_API size_t riffle_session_input_count(const riffle_session* session);
RIFFLE_API size_t riffle_session_output_count(const riffle_session* session);

/* Tensor `index`. All zero where index is not less than their number, and for NULL. */
RIFFLE_API riffle_tensor riffle_session_input_at(const riffle_session* session, size_t index);
RIFFLE_API riffle_tensor riffle_session_output_at(const riffle_session* session, size_t index);

/* The index of the tensor of that name, which no other has; -1 where there is none, and for NULL. */
RIFFLE_API ptrdiff_t riffle_session_find_input(const riffle_session* session, const char* name);
RIFFLE_API ptrdiff_t riffle_session_find_output(const riffle_session* session, const char* name);

/* The name of the instruction set that the session runs on; NULL for NULL. Lives as long as the program. */
RIFFLE_API const char* riffle_session_isa(const riffle_session* session);

/* Runs `batch` images, at least 1, of a network that has one input and one output, both float32 (of any other it is
 * RIFFLE_BAD_ARGUMENT): input holds batch input tensors, output is given batch output tensors; the two do not overlap.
 * Allocates nothing (in a child of fork() the first run starts threads). */
RIFFLE_API riffle_status riffle_session_run(riffle_session* session, const float* input, float* output, int64_t batch,
                                            riffle_error* error);

/* The caller's numbers for one input, of the whole batch, and room for one output's. `type` is the tensor's, `size` (in
 * elements) is batch times the tensor's, and data is aligned to a number of the type. */
typedef struct riffle_input_buffer {
  const void* data;
  riffle_type type;
  size_t size;
} riffle_input_buffer;

typedef struct riffle_output_buffer {
  void* data;
  riffle_type type;
  size_t size;
} riffle_output_buffer;

/* riffle_session_run() of any network: inputs[i] for input i, outputs[o] for output o, as many as there are. No output
 * overlaps another, or an input; inputs may be one and the same. What does not fit is RIFFLE_BAD_ARGUMENT and says
 * which tensor it is. Allocates nothing either. */
RIFFLE_API riffle_status riffle_session_run_buffers(riffle_session* session, const riffle_input_buffer* inputs,
                                                    size_t input_count, const riffle_output_buffer* outputs,
                                                    size_t output_count, int64_t batch, riffle_error* error);

/* ---- Where the time goes ---- */

typedef struct riffle_step {
  const char* name;      /* of the layer, or of the two layers that are one step */
  const char* operation; /* "pointwise", "depthwise 3x3 /2" ... */
  const char* kernel;
  int64_t macs; /* multiply-adds */
  double seconds;
} riffle_step;

/* The number of steps of an inference; 0 for NULL. */
RIFFLE_API size_t riffle_session_step_count(const riffle_session* session);

/* riffle_session_run() for one image, timed: steps[0] to steps[step_count - 1] are written. step_count is
 * riffle_session_step_count()'s. */
RIFFLE_API riffle_status riffle_session_profile(riffle_session* session, const float* input, float* output,
                                                riffle_step* steps, size_t step_count, riffle_error* error);

/* The same of riffle_session_run_buffers(). */
RIFFLE_API riffle_status riffle_session_profile_buffers(riffle_session* session, const riffle_input_buffer* inputs,
                                                        size_t input_count, const riffle_output_buffer* outputs,
                                                        size_t output_count, riffle_step* steps, size_t step_count,
                                                        riffle_error* error);

/* ---- Camera frames ---- */

/* Named in the order of their bytes in memory. */
typedef enum riffle_pixel_format RIFFLE_INT {
  RIFFLE_RGB = 0,
  RIFFLE_BGR = 1,
  RIFFLE_RGBA = 2,
  RIFFLE_BGRA = 3,
  RIFFLE_GREY = 4,
  RIFFLE_NV12 = 5, /* a plane Y; a plane of U, V pairs, one for two by two pixels */
  RIFFLE_NV21 = 6, /* the same with V, U pairs */
  RIFFLE_I420 = 7  /* planes Y, U, V; the last two of half the width and height */
} riffle_pixel_format;

/* What Y, U and V mean. Phones' cameras and JPEG: full range. Video: limited range (Y from 16 to 235). */
typedef enum riffle_yuv RIFFLE_INT {
  RIFFLE_BT601_FULL = 0,
  RIFFLE_BT601_LIMITED = 1,
  RIFFLE_BT709_FULL = 2,
  RIFFLE_BT709_LIMITED = 3
} riffle_yuv;

/* Zero is a good default for every field but planes, width and height. */
typedef struct riffle_frame {
  const uint8_t* planes[3];
  int32_t strides[3]; /* bytes from a row of a plane to the next; 0: rows stand side by side */
  int32_t width, height;
  riffle_pixel_format format;
  riffle_yuv yuv;
  int32_t crop_x, crop_y, crop_width, crop_height; /* in pixels of the frame as it is; width and height 0: all of it */
  int32_t rotation; /* clockwise: 0, 90, 180 or 270 degrees make what is cropped upright */
  int32_t mirrored; /* not 0: and then left and right are exchanged (a front camera) */
  const void* reserved[4];
} riffle_frame;

/* tensor = (value / 255 - mean) / deviation, for each of the input's channels. */
typedef struct riffle_normalisation {
  float mean[4];
  float deviation[4]; /* none of those that are used is 0 */
} riffle_normalisation;

/* Crops, rotates, mirrors, resizes (bilinear, half-pixel centres, no antialiasing: what PyTorch's interpolate does with
 * align_corners=False) and normalises a frame to one tensor of the session's first input, of 1 or 3 channels: grey (of
 * colours BT.601's luma, of YUV its Y brought to full range), or R, G, B (of grey three times the same).
 *
 * `input` has room for one tensor of that input's type, float32 or uint8. Of uint8 the numbers are rounded to nearest,
 * ties to even, and kept within 0 to 255. normalisation NULL: what the model carries, else mean 0 and deviation 1 of
 * float32, and of uint8 the pixels as they are, which is a deviation of 1 / 255.
 *
 * What the model carries about pictures beside that holds, too: planes B, G, R in the place of R, G, B, values rounded
 * to whole numbers, and letterboxing: what is cropped lies in the input at one scale, and the model's pad pixel around
 * it. Of all other models the crop says which part of a frame becomes the input, and it is stretched to the input's
 * size. Frames are never antialiased: where a frame is made much smaller and the model was trained on antialiased
 * pictures, a camera's smaller frames come closer to them.
 *
 * U and V of a chroma pixel count for all its two by two pixels; for an input of 1 channel they are not looked at, and
 * may be NULL. Width and height are at most 32768; of an odd width or height of YUV the chroma planes' is rounded up.
 * Reads nothing outside the crop. Allocates nothing, runs on the calling thread alone, and may run while the same
 * session is at work.
 *
 * A crop that is not inside the frame, a stride that is smaller than a row, an unknown format, rotation or yuv, a mean
 * or a deviation that is no finite number, a deviation of 0, a field of `reserved` that is not zero, and a session
 * whose first input has another type or number of channels are RIFFLE_BAD_ARGUMENT. A build without frames returns
 * RIFFLE_UNSUPPORTED. */
RIFFLE_API riffle_status riffle_session_read_frame(const riffle_session* session, const riffle_frame* frame,
                                                   const riffle_normalisation* normalisation, void* input,
                                                   riffle_error* error);

/* Where the network's input lies in a picture: its point (x, y) is the picture's (xx x + xy y + x0, yx x + yy y + y0).
 * Both are continuous: pixel (i, j) covers [j, j + 1) by [i, i + 1). */
typedef struct riffle_placement {
  double xx, xy, x0;
  double yx, yy, y0;
  int32_t width, height; /* the picture's, in pixels */
} riffle_placement;

/* *placement becomes where riffle_session_read_frame() puts the frame: the way back through letterbox, mirroring,
 * rotation and crop, to the frame's pixels as they are in memory. Fails for what is wrong with the frame; then it is
 * all zero. */
RIFFLE_API riffle_status riffle_session_place_frame(const riffle_session* session, const riffle_frame* frame,
                                                    riffle_placement* placement, riffle_error* error);

/* ---- Detectors: from a frame to boxes, points and masks ---- */

/* A session, and what it takes to say what its outputs mean: of a model whose task is RIFFLE_DETECT, RIFFLE_LANDMARKS
 * or RIFFLE_SEGMENT. It does one thing at a time, as a session does; detectors of different sessions run side by side.
 */
typedef struct riffle_detector riffle_detector;

/* Zero is every field's default. */
typedef struct riffle_detector_options {
  float threshold; /* in the place of the model's; 0: the model's */
  float iou;       /* overlaps above this are suppressed, at most 1; 0: the model's */
  const void* reserved[6];
} riffle_detector_options;

/* The session is the caller's, and lives longer. Everything that is needed later is allocated here. options may be
 * NULL. A model without such a task, and one with an output that is not float32, is RIFFLE_BAD_ARGUMENT. */
RIFFLE_API riffle_status riffle_detector_create(riffle_session* session, const riffle_detector_options* options,
                                                riffle_detector** out, riffle_error* error);

RIFFLE_API_VOID void riffle_detector_free(riffle_detector* detector);

/* A box in the picture's pixels: x0 <= x1, y0 <= y1. */
typedef struct riffle_detection {
  float x0, y0, x1, y1;
  float score;
  int32_t label; /* the class: riffle_model_label() has its name */
} riffle_detection;

/* What was found. The pointers are the detector's, and valid until its next call. */
typedef struct riffle_findings {
  riffle_task task;
  size_t count;                       /* RIFFLE_DETECT: of detections. RIFFLE_LANDMARKS: 1 if the score is above the
                                         threshold, else 0 */
  const riffle_detection* detections; /* best first */
  size_t point_count;                 /* of each detection, or of landmarks */
  int32_t point_dimensions;           /* numbers of a point: 2, x and y; or of landmarks 3, and z at the scale of x */
  const float* points;                /* detection after detection; of landmarks also where the score is low; NULL:
                                         there are none */
  float score;                        /* of landmarks */
  const uint8_t* mask;                /* RIFFLE_SEGMENT: the class of each pixel, row by row */
  int32_t mask_width, mask_height, class_count;
  riffle_placement mask_placement; /* where the mask's pixels lie in the picture */
  const void* reserved[8];
} riffle_findings;

/* One image: reads the frame as riffle_session_read_frame() does, runs the session, and says what it found in the
 * frame's own pixels, as they are in memory: not cropped, rotated or mirrored. Allocates nothing. A network with
 * several inputs, and what is wrong with the frame, is RIFFLE_BAD_ARGUMENT; RIFFLE_BUSY if the detector or its session
 * is at work in another thread. *findings is all zero then. */
RIFFLE_API riffle_status riffle_detector_run(riffle_detector* detector, const riffle_frame* frame,
                                             riffle_findings* findings, riffle_error* error);

/* The same of outputs that the caller has, of one image: outputs[o] for output o of the session, as many as it has,
 * float32. placement says where the input lies in the picture; NULL: what is found is in the input's pixels. */
RIFFLE_API riffle_status riffle_detector_decode(riffle_detector* detector, const riffle_input_buffer* outputs,
                                                size_t output_count, const riffle_placement* placement,
                                                riffle_findings* findings, riffle_error* error);

#ifdef __cplusplus
}
#endif

#endif
