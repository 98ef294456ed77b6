/*
 * phasor-scale - scores as shares of honest customers.
 */
#include "exact-int.h"
#include "phasor-int.h"

#define LN_10 2.302585092994045684

/* Calibrated by 5,000 honest customers of the simulation, see docs/fraud.md. */
double sg_phasor_decibel(float score)
{
    static const struct {
        double score, decibel;
    } points[] = {{0, 0},      {0.02, 1},   {0.05, 3.1}, {0.1, 6.3},  {0.15, 8.8},
                  {0.2, 11.1}, {0.3, 14.3}, {0.4, 17},   {0.5, 18.9}, {0.6, 20.9},
                  {0.7, 22.8}, {0.8, 25.9}, {0.9, 29.2}, {1, 35}};
    size_t i = 1;
    const double x = fmin(fmax((double)score, 0), 1);
    while (i + 1 < sizeof(points) / sizeof(points[0]) && x > points[i].score)
        i++;
    const double part = (x - points[i - 1].score) / (points[i].score - points[i - 1].score);
    return points[i - 1].decibel + part * (points[i].decibel - points[i - 1].decibel);
}

double sg_phasor_per_1000(double decibel)
{
    return 1000 * sg_fraud_exp(-decibel * LN_10 / 10);
}

double sg_phasor_combine(double load_decibel, double phasor_decibel)
{
    const double better = fmax(load_decibel, phasor_decibel);
    return better - 10 / LN_10 * sg_fraud_log(2 - sg_phasor_per_1000(better) / 1000);
}
