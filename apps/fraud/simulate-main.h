#pragma once
/*
 * simulate-main - sealgrid-fraud simulate-inspections; see --help there and docs/fraud.md.
 */
/* argv[0] is the word.  Exit 0: done; 2: unusable input. */
int simulate_main(int argc, char **argv);
