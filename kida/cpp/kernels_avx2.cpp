// x86-64 with AVX2 and FMA: sixteen registers of eight floats.
#define KIDA_KERNELS kernels_avx2
#define KIDA_KERNELS_NAME "avx2"
#define KIDA_VECTOR_BYTES 32
#define KIDA_BLOCK_ROWS 6
#define KIDA_BLOCK_VECTORS 2
#include "kernels.inc"
