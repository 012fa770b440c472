// Any processor: SSE2 on x86-64, NEON on arm64, both with vectors of four floats.
#define KIDA_KERNELS kernels_baseline
#define KIDA_KERNELS_NAME "baseline"
#define KIDA_VECTOR_BYTES 16
#define KIDA_BLOCK_ROWS 3
#define KIDA_BLOCK_VECTORS 4
#include "kernels.inc"
