// x86-64 with AVX-512: thirty-two registers of sixteen floats.
#define KIDA_KERNELS kernels_avx512
#define KIDA_KERNELS_NAME "avx512"
#define KIDA_VECTOR_BYTES 64
#define KIDA_BLOCK_ROWS 6
#define KIDA_BLOCK_VECTORS 4
#include "kernels.inc"
