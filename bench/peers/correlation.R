# correlation - base R as peer of our correlation score: for each customer 1 - median over the test
# days of cor(day, mean of the customer's reference days of its kind).  As fast as plain R gets it:
# means and correlations are matrix operations, one customer at a time.
#
#   Rscript correlation.R DATA CUSTOMERS DAYS POINTS REFERENCE
#
# DATA       little-endian binary32: customer by customer, day by day; day 0 is a Monday
# REFERENCE  the first so many days are the reference, the rest is judged
#
# Standard output, one "name value" a line: score_cpu_s, mean_score.
args <- commandArgs(trailingOnly = TRUE)
stopifnot(length(args) == 5)
number <- function(i) as.numeric(args[i])
customers <- number(2); days <- number(3); points <- number(4); reference <- number(5)

values <- readBin(args[1], "numeric", customers * days * points, size = 4, endian = "little")
x <- array(values, dim = c(points, days, customers))
weekend <- (seq_len(days) - 1) %% 7 >= 5
before <- seq_len(days) <= reference

score <- function(day) {
  r <- unlist(lapply(c(FALSE, TRUE), function(kind) {
    regular <- rowMeans(day[, before & weekend == kind, drop = FALSE])
    cor(day[, !before & weekend == kind, drop = FALSE], regular)
  }))
  r[is.na(r)] <- 0
  1 - median(r)
}

time <- system.time(
  scores <- vapply(seq_len(customers), function(i) score(x[, , i]), 0))
cat("score_cpu_s", format(time[["user.self"]] + time[["sys.self"]], digits = 6), "\n")
cat("mean_score", format(mean(scores), digits = 15), "\n")
