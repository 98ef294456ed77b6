#pragma once
/*
 * verbs - one function a verb; argv[0] is the verb.  Each returns the exit status: 0 done, 1 the
 * answer is no or something failed (said on standard error), 2 unusable arguments.
 */
int sg_verb_up(int argc, char **argv);
int sg_verb_down(int argc, char **argv);
int sg_verb_status(int argc, char **argv);
int sg_verb_env(int argc, char **argv);
int sg_verb_register(int argc, char **argv);
int sg_verb_scrub(int argc, char **argv);
int sg_verb_demo(int argc, char **argv);
int sg_verb_report(int argc, char **argv);
int sg_verb_attest(int argc, char **argv);
int sg_verb_cas(int argc, char **argv);
int sg_verb_fraud(int argc, char **argv);
int sg_verb_abnt(int argc, char **argv);
