/* The functions of SCIP that the examples call, as its headers declare them: the libscip inside
 * PySCIPOpt's wheel brings no headers. With an installed SCIP its own are used. */
#ifndef SCIP_SUBSET_H
#define SCIP_SUBSET_H

#if defined(__has_include)
#if __has_include("scip/scip.h")
#include "scip/scip.h"
#include "scip/scipdefplugins.h"
#include "scip/scipshell.h"
#define SCIP_SUBSET_COMPLETE
#endif
#endif

#ifndef SCIP_SUBSET_COMPLETE
typedef struct Scip SCIP;
typedef enum { SCIP_ERROR = 0, SCIP_OKAY = 1 } SCIP_RETCODE;
typedef double SCIP_Real;
typedef long long SCIP_Longint;
SCIP_RETCODE SCIPcreate(SCIP** scip);
SCIP_RETCODE SCIPfree(SCIP** scip);
SCIP_RETCODE SCIPincludeDefaultPlugins(SCIP* scip);
SCIP_RETCODE SCIPreadProb(SCIP* scip, const char* filename, const char* extension);
SCIP_RETCODE SCIPsetIntParam(SCIP* scip, const char* name, int value);
SCIP_RETCODE SCIPsetLongintParam(SCIP* scip, const char* name, SCIP_Longint value);
SCIP_RETCODE SCIPsolve(SCIP* scip);
SCIP_Longint SCIPgetNNodes(SCIP* scip);
SCIP_Real SCIPgetPrimalbound(SCIP* scip);
SCIP_Real SCIPgetDualbound(SCIP* scip);
SCIP_RETCODE SCIPprocessShellArguments(SCIP* scip, int argc, char** argv,
                                       const char* defaultsetname);
#endif

#endif /* SCIP_SUBSET_H */
