# kohonen - R's package kohonen (Debian r-cran-kohonen) as peer of our self-organizing map: trains
# in mode "batch" from a given first map, matches the same vectors, says how well and how long.
#
#   Rscript kohonen.R DATA FIRST CODES POINTS COLUMNS ROWS TOPOLOGY NEIGHBOURHOOD EPOCHS FROM TO [MODE]
#
# DATA, FIRST  little-endian binary32, vector by vector (node by node: columns first, as ours)
# CODES        written: the trained map, little-endian binary64, node by node; "-": not written
# TOPOLOGY     rectangular | hexagonal        NEIGHBOURHOOD  gaussian | bubble
# FROM TO      radius; epoch t of T has FROM - (FROM - TO) t / T
# MODE         batch (default, one thread) | pbatch (all cores)
#
# Standard output, one "name value" a line: version, vectors, train_s, map_s (its function map(), the
# best match of every vector), train_cpu_s, map_cpu_s (the same by the process's CPU time),
# quantisation_error (mean distance to the best match).  Exit 77: the package is not installed.
if (!requireNamespace("kohonen", quietly = TRUE)) quit(status = 77)

args <- commandArgs(trailingOnly = TRUE)
stopifnot(length(args) %in% 11:12)
number <- function(i) as.numeric(args[i])
mode <- if (length(args) == 12) args[12] else "batch"

vectors <- function(path, points) {
  values <- readBin(path, "numeric", file.size(path) / 4, size = 4, endian = "little")
  matrix(values, ncol = points, byrow = TRUE)
}

points <- number(4)
x <- vectors(args[1], points)
first <- vectors(args[2], points)
grid <- kohonen::somgrid(number(5), number(6), args[7], neighbourhood.fct = args[8])

train <- system.time(
  map <- kohonen::supersom(list(x), grid, rlen = number(9), radius = c(number(10), number(11)),
                           mode = mode, init = list(first), normalizeDataLayers = FALSE,
                           keep.data = FALSE))
match <- system.time(
  found <- kohonen::map(map, newdata = list(x)))

if (args[3] != "-")
  writeBin(as.vector(t(kohonen::getCodes(map, 1))), args[3], size = 8, endian = "little")
cat("version", as.character(packageVersion("kohonen")), "\n")
cat("vectors", nrow(x), "\n")
cpu <- function(time) time[["user.self"]] + time[["sys.self"]]
cat("train_s", format(train[["elapsed"]], digits = 6), "\n")
cat("map_s", format(match[["elapsed"]], digits = 6), "\n")
cat("train_cpu_s", format(cpu(train), digits = 6), "\n")
cat("map_cpu_s", format(cpu(match), digits = 6), "\n")
cat("quantisation_error", format(mean(sqrt(found$distances)), digits = 15), "\n")
