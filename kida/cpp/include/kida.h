/* libkida: learned branching in SCIP, for programs without Python.
 *
 *   SCIP* scip;
 *   SCIP_CALL( SCIPcreate(&scip) );
 *   SCIP_CALL( SCIPincludeDefaultPlugins(scip) );
 *   SCIP_CALL( kida_include(scip, "models/item_placement") );
 *   ... read and solve a problem as ever ...
 *
 * (In C++ SCIP_CALL wants SCIP's own type: SCIP_CALL( SCIP_RETCODE(kida_include(scip, "...")) ).)
 *
 * libkida is linked to no SCIP: it uses the one that the program has loaded as a shared library,
 * which must be of the major version 10, and only one. No function throws, and none ends the
 * program. Different SCIPs may be used from different threads.
 */
#ifndef KIDA_H
#define KIDA_H

#include <stddef.h>
#include <stdint.h>

/* Of use where libkida itself is compiled. */
#ifndef KIDA_API
#define KIDA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct Scip; /* SCIP's name for what it also calls SCIP */

/* Let a policy branch in `scip`, and set the SCIP parameters in its card.
 *
 * `policy_folder`, in UTF-8 on Windows, holds card.json and weights.safetensors, or is the folder
 * of a run of `kida train` or `kida tune` that has ended. Call this before the solve, with the
 * problem read or not; it must be if the card has starting values for its variables. It returns 1
 * as SCIP_OKAY; or 0 as SCIP_ERROR, and then kida_last_error() says why and `scip` is as it was.
 * Problems with nonlinear constraints are left to SCIP's own rules, with a warning through SCIP.
 * Copies of the problem are branched by the rule too, but begin without what the card brings of
 * former solves.
 *
 * The environment variable KIDA_INSTRUCTION_SET (avx512, avx2, baseline) forces how the network is
 * computed, so that a solve can be repeated to the node on another processor.
 */
KIDA_API int kida_include(struct Scip* scip, const char* policy_folder);

/* What a rule has done so far; seconds are of wall-clock time. */
typedef struct KidaStatistics {
  int64_t decisions;           /* nodes that the rule branched on */
  int64_t network_decisions;   /* of these, by the network, or by SCIP's rule in its list */
  int64_t expert_decisions;    /* of these, by strong branching, as the card may ask for */
  int64_t candidates;          /* sum over the decisions */
  int64_t unscored;            /* nodes left to SCIP's rules because a score was not finite */
  int64_t decisions_in_copies; /* in copies of the problem, for a concurrent solve */
  int64_t declined;            /* 1: the problem is nonlinear, and was left to SCIP's rules */
  double seconds_observing;
  double seconds_scoring;
  double seconds_expert;
  double seconds_total;        /* in the rule, without SCIP's own in a list */
  int64_t shortlist_decisions; /* of network_decisions, by SCIP's rule in a list */
  int64_t looks;               /* decisions at which a policy that steers asked all candidates */
} KidaStatistics;

/* Fill in the statistics of the rule that kida_include() put into `scip`, until SCIPfree(). `size`
 * is sizeof(KidaStatistics), which later versions extend at its end. Returns 1, or 0 as above.
 */
KIDA_API int kida_statistics(const struct Scip* scip, KidaStatistics* statistics, size_t size);

/* Why the last call in this thread returned 0, or the last solve in it ended with SCIP_ERROR
 * because of the rule; "" if there was none, or if the rule failed in a copy of the problem. It
 * holds until the next call in this thread.
 */
KIDA_API const char* kida_last_error(void);

/* The version of libkida, such as "0.1.0". */
KIDA_API const char* kida_version(void);

#ifdef __cplusplus
}
#endif

#endif /* KIDA_H */
