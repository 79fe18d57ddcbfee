// armcost: what one aarch64 inference costs, counted under qemu user mode (a TCG plugin).
//
// No ARM hardware is needed and the counts repeat exactly, so two builds (or two engines) can be
// compared on a noisy x86 machine. It counts retired instructions by class and, with cache=on,
// the misses of a two-level data cache (LRU, write-allocate, no prefetcher).
//
//   gcc -O2 -shared -fPIC armcost.c -o armcost.so
//   qemu-aarch64 -cpu cortex-a72 -plugin ./armcost.so[,cache=on,l1=32,l2=256] ./program ...
//
// Counts cover the whole process, from all threads together (run one thread: the counters are not
// atomic). To price one inference, run the program with N and with M inferences and divide the
// difference by M - N; `armcost.py` beside this file does that.
// With arch=arm the program is a 32-bit one (qemu-arm): total and fma are counted, and every access goes through the
// caches.
//   -cpu cortex-a72: plain ARMv8.0 NEON        -cpu cortex-a76: + fp16 arithmetic, sdot/udot
//
// Output, on stderr at exit, one `armcost.NAME VALUE` line each:
//   total        retired instructions
//   fma          fused multiply-adds (vector, by-element and scalar; fp16/fp32/fp64)
//   int_mac      integer multiply-accumulates (sdot/udot/usdot, smmla/usmmla, smlal/smull/mla ...)
//   simd_other   the other SIMD and floating-point instructions
//   loads stores load and store instructions (a pair or a struct access counts once)
//   bytes_read bytes_written, l1_miss, l2_miss    (with cache=on; sizes l1= and l2= in KiB)
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The part of qemu-plugin.h (API version 1) that is used here; Debian does not ship the header.
typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb*));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
extern struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
extern const void* qemu_plugin_insn_data(const struct qemu_plugin_insn*);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn*);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int op, void* ptr, uint64_t imm);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn*,
                                             void (*)(unsigned, qemu_plugin_meminfo_t, uint64_t, void*), int flags,
                                             int rw, void*);
extern unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);
extern bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void*), void*);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { TOTAL, FMA, INT_MAC, SIMD_OTHER, LOADS, STORES, CLASSES };
static const char* const kClassName[CLASSES] = {"total", "fma", "int_mac", "simd_other", "loads", "stores"};
static uint64_t count[CLASSES];

// ---- data cache model -------------------------------------------------------------------------
enum { LINE_SHIFT = 6, WAYS = 8 };
struct cache {
  uint64_t sets, *tag, *stamp;
};
static struct cache l1, l2;
static uint64_t now, l1_miss, l2_miss, bytes_read, bytes_written;
static bool cache_on;

static void cache_init(struct cache* c, uint64_t kib) {
  c->sets = (kib << 10 >> LINE_SHIFT) / WAYS;
  if (c->sets == 0) c->sets = 1;
  c->tag = calloc(c->sets * WAYS, sizeof *c->tag);
  c->stamp = calloc(c->sets * WAYS, sizeof *c->stamp);
}

static bool cache_hit(struct cache* c, uint64_t line) {
  uint64_t base = (line % c->sets) * WAYS, victim = base;
  for (uint64_t w = base; w < base + WAYS; w++) {
    if (c->tag[w] == line + 1) {
      c->stamp[w] = ++now;
      return true;
    }
    if (c->stamp[w] < c->stamp[victim]) victim = w;
  }
  c->tag[victim] = line + 1;
  c->stamp[victim] = ++now;
  return false;
}

static void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void* unused) {
  (void)cpu;
  (void)unused;
  uint64_t bytes = 1u << qemu_plugin_mem_size_shift(info);
  if (qemu_plugin_mem_is_store(info))
    bytes_written += bytes;
  else
    bytes_read += bytes;
  for (uint64_t line = address >> LINE_SHIFT; line <= (address + bytes - 1) >> LINE_SHIFT; line++)
    if (!cache_hit(&l1, line)) {
      l1_miss++;
      if (!cache_hit(&l2, line)) l2_miss++;
    }
}

// ---- A64 instruction classes (Arm ARM, C4.1 top-level encodings) --------------------------------
static bool is(uint32_t insn, uint32_t mask, uint32_t value) { return (insn & mask) == value; }

static int classify(uint32_t i) {
  if (is(i, 0x0a000000u, 0x08000000u)) {  // loads and stores: op0 = x1x0
    bool load;
    if (is(i, 0x3b000000u, 0x18000000u))
      load = true;  // literal
    else if (is(i, 0x3a000000u, 0x28000000u) || is(i, 0xbe000000u, 0x0c000000u))
      load = i >> 22 & 1;  // pair, SIMD struct
    else
      load = (i >> 26 & 1) ? (i >> 22 & 1) : (i >> 22 & 3) != 0;
    return load ? LOADS : STORES;
  }
  if (!is(i, 0x0e000000u, 0x0e000000u)) return TOTAL;                        // not SIMD and floating point: op0 = x111
  if (is(i, 0xbf20fc00u, 0x0e20cc00u)                                        // FMLA/FMLS vector
      || is(i, 0xbf60fc00u, 0x0e400c00u)                                     // FMLA/FMLS vector fp16
      || is(i, 0xbf80b400u, 0x0f801000u) || is(i, 0xbfc0b400u, 0x0f001000u)  // FMLA/FMLS by element
      || is(i, 0xff000000u, 0x1f000000u))                                    // FMADD family
    return FMA;
  if (is(i, 0x9f20fc00u, 0x0e009400u) || is(i, 0xbf00f400u, 0x0f00e000u) || is(i, 0xbf00f400u, 0x2f00e000u)  // s/udot
      || is(i, 0xbfe0fc00u, 0x0e809c00u) || is(i, 0xbf00f400u, 0x0f00f000u)                                  // us/sudot
      || is(i, 0x9f20f400u, 0x0e00a400u)                                                    // s/u/usmmla
      || is(i, 0x9f20dc00u, 0x0e208000u & 0x9f20dc00u) || is(i, 0x9f20fc00u, 0x0e20c000u)   // s/umlal, s/umull
      || is(i, 0x9f20fc00u, 0x0e209400u)                                                    // mla/mls
      || is(i, 0xbf00b400u, 0x2f000000u) || is(i, 0x9f009400u, 0x0f000000u & 0x9f009400u))  // by element
    return INT_MAC;
  return SIMD_OTHER;
}

// The same for A32 and T32, as far as multiply-adds go: VMLA and VFMA of floats, by vector and by scalar. A T32
// instruction's first halfword is its upper one.
static int classify_arm(uint32_t i) {
  for (int k = 0; k < 2; k++, i = i >> 16 | i << 16) {
    if (is(i, 0xefb00f50u, 0xefa00140u) || is(i, 0xffb00f10u, 0xef000c10u) || is(i, 0xffb00f10u, 0xef000d10u)) {
      if (k == 1) return FMA;  // T32
    }
    if (k == 0 &&
        (is(i, 0xfeb00f50u, 0xf2a00140u) || is(i, 0xffb00f10u, 0xf2000c10u) || is(i, 0xffb00f10u, 0xf2000d10u)))
      return FMA;  // A32
  }
  return TOTAL;
}
static bool arch_arm;

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  uint64_t in_block[CLASSES] = {0};
  size_t n = qemu_plugin_tb_n_insns(tb);
  in_block[TOTAL] = n;
  for (size_t k = 0; k < n; k++) {
    struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, k);
    uint32_t word = 0;
    memcpy(&word, qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn) < 4 ? 2 : 4);
    int c = arch_arm ? classify_arm(word) : classify(word);
    if (c != TOTAL) in_block[c]++;
    if (cache_on && (arch_arm || c == LOADS || c == STORES))
      qemu_plugin_register_vcpu_mem_cb(insn, on_access, /*no regs*/ 0, /*read and write*/ 3, NULL);
  }
  for (int c = 0; c < CLASSES; c++)
    if (in_block[c]) qemu_plugin_register_vcpu_tb_exec_inline(tb, /*add*/ 0, &count[c], in_block[c]);
}

static void on_exit_print(qemu_plugin_id_t id, void* unused) {
  (void)id;
  (void)unused;
  for (int c = 0; c < CLASSES; c++) fprintf(stderr, "armcost.%s %llu\n", kClassName[c], (unsigned long long)count[c]);
  if (!cache_on) return;
  fprintf(stderr, "armcost.bytes_read %llu\narmcost.bytes_written %llu\narmcost.l1_miss %llu\narmcost.l2_miss %llu\n",
          (unsigned long long)bytes_read, (unsigned long long)bytes_written, (unsigned long long)l1_miss,
          (unsigned long long)l2_miss);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                                               char** argv) {
  (void)info;
  uint64_t l1_kib = 32, l2_kib = 256;
  for (int k = 0; k < argc; k++) {
    if (strcmp(argv[k], "cache=on") == 0)
      cache_on = true;
    else if (strcmp(argv[k], "arch=arm") == 0)
      arch_arm = true;
    else if (strncmp(argv[k], "l1=", 3) == 0)
      l1_kib = strtoull(argv[k] + 3, NULL, 10);
    else if (strncmp(argv[k], "l2=", 3) == 0)
      l2_kib = strtoull(argv[k] + 3, NULL, 10);
    else {
      fprintf(stderr, "armcost: unknown option '%s'\n", argv[k]);
      return -1;
    }
  }
  cache_init(&l1, l1_kib);
  cache_init(&l2, l2_kib);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  qemu_plugin_register_atexit_cb(id, on_exit_print, NULL);
  return 0;
}
