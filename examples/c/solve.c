/* Solve a problem with a learned branching rule:
 *
 *   solve PROBLEM POLICY_FOLDER [NODES]
 *
 * The whole of kida in it is the call of kida_include(), and that of kida_statistics() afterwards.
 */
#include <inttypes.h>
#include <kida.h>
#include <stdio.h>
#include <stdlib.h>

#include "scip_subset.h"

/* SCIP says itself what is wrong; kida is asked. */
#define CALL(call)                                                         \
  do {                                                                     \
    if ((call) != SCIP_OKAY) {                                             \
      fprintf(stderr, "solve: %s failed. %s\n", #call, kida_last_error()); \
      return 2;                                                            \
    }                                                                      \
  } while (0)

static int solve(SCIP* scip, const char* problem, const char* policy, SCIP_Longint nodes) {
  KidaStatistics statistics;

  CALL(SCIPincludeDefaultPlugins(scip));
  CALL(SCIPsetIntParam(scip, "display/verblevel", 0));
  CALL(SCIPsetLongintParam(scip, "limits/nodes", nodes));
  CALL(SCIPreadProb(scip, problem, NULL));
  /* After the problem: a policy may bring starting values for its variables. */
  CALL(kida_include(scip, policy));
  CALL(SCIPsolve(scip));

  CALL(kida_statistics(scip, &statistics, sizeof statistics));
  printf("primal bound %.9g\ndual bound %.9g\nnodes %lld\n", SCIPgetPrimalbound(scip),
         SCIPgetDualbound(scip), (long long)SCIPgetNNodes(scip));
  printf(
      "decisions %" PRId64 ", of %.1f candidates on average, in %.3f s\n", statistics.decisions,
      statistics.decisions > 0 ? (double)statistics.candidates / (double)statistics.decisions : 0,
      statistics.seconds_total);
  return 0;
}

int main(int argc, char** argv) {
  SCIP* scip = NULL;
  int status;

  if (argc < 3 || argc > 4) {
    fprintf(stderr, "usage: %s PROBLEM POLICY_FOLDER [NODES]\n", argv[0]);
    return 2;
  }
  CALL(SCIPcreate(&scip));
  status = solve(scip, argv[1], argv[2], argc == 4 ? atoll(argv[3]) : -1);
  CALL(SCIPfree(&scip));
  return status;
}
