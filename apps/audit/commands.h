#pragma once
/*
 * commands - what sealgrid-audit does beside auditing; each with its own options, argv[0] being the
 * command's name.  Exit codes: 0; 1: it does not hold; 2: unusable input.
 */
int command_prove_reading(int argc, char **argv);
int command_check_reading(int argc, char **argv);
int command_nonce(int argc, char **argv);
int command_commitment(int argc, char **argv);
int command_draw(int argc, char **argv);
int command_respond(int argc, char **argv);
int command_judge(int argc, char **argv);
int command_verify_report(int argc, char **argv);
