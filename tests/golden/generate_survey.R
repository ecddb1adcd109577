# Golden numbers for sampling designs, from R's survey (Lumley 2004); run in this folder with R and survey 4.x:
#
#     Rscript generate_survey.R
#
# Writes survey.json: the rows, rounded so that their decimals are exactly what was fitted, and what survey says of them. The tests
# (tests/test_survey_golden.py) need no R.

suppressPackageStartupMessages(library(survey))
options(digits = 17, survey.lonely.psu = "adjust")
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(20250131)

# 240 rows in 48 clusters of 2 to 8 rows, inside of 4 strata that differ; groups g are mixed within clusters.
size <- rep(c(2, 8, 4, 6, 5, 5), 8)
cluster <- rep(seq_along(size), size)
stratum <- c(1, 2, 2, 3, 3, 4)[(cluster - 1) %% 6 + 1]
n <- length(cluster)
x1 <- round(rnorm(n), 4)
x2 <- round(rnorm(48)[cluster] + 0.5 * rnorm(n), 4)
effect <- 0.6 * rnorm(48)[cluster]
eta <- 0.3 + 0.6 * x1 - 0.4 * x2 + 0.4 * stratum + effect
rows <- data.frame(
  y = round(eta + rnorm(n), 4),
  answer = as.numeric(runif(n) < plogis(eta - 1)),
  count = rpois(n, exp(0.5 * eta)),
  x1 = x1, x2 = x2,
  w = round(exp(0.4 * rnorm(n) + 0.2 * x1), 4),
  cluster = cluster, stratum = stratum,
  g = as.numeric(runif(n) < 0.4)
)
rows$f <- round(0.8 * rows$y + 0.4 * rnorm(n) + 0.5, 4)
rows$rating <- pmin(pmax(round(rows$y), -1), 3)  # ties
rows$pi <- round(plogis(-0.9 + 0.7 * x1), 4)
# Which rows have labels: each with its probability; of all rows the same number; so many of each stratum; whole clusters.
rows$by_pi <- as.numeric(runif(n) < rows$pi)
rows$simple <- as.numeric(rank(runif(n)) <= 60)
rows$stratified <- 0
for (h in 1:4) rows$stratified[sample(which(stratum == h), c(16, 12, 20, 9)[h])] <- 1
rows$by_cluster <- as.numeric(cluster %in% sample(48, 14))
rows$cluster_pi <- c(0.5, 0.25, 0.25, 0.25)[stratum]
chosen <- unlist(lapply(1:4, function(h) {
  inside <- unique(cluster[stratum == h])
  sample(inside, length(inside) * c(0.5, 0.25, 0.25, 0.25)[h])
}))
rows$by_cluster_in_strata <- as.numeric(cluster %in% chosen)

json <- function(value) {
  if (is.list(value)) {
    told <- vapply(names(value), function(key) paste0('"', key, '": ', json(value[[key]])), "")
    return(paste0("{", paste(told, collapse = ",\n"), "}"))
  }
  if (is.character(value)) return(paste0('"', value, '"'))
  if (is.matrix(value)) {
    return(paste0("[", paste(apply(value, 1, json), collapse = ", "), "]"))
  }
  numbers <- vapply(as.numeric(value), function(one) format(one, digits = 17), "")
  if (length(value) == 1) numbers else paste0("[", paste(numbers, collapse = ", "), "]")
}
mean_of <- function(formula, design) {
  fit <- svymean(formula, design)
  list(mean = unname(coef(fit)), se = unname(as.numeric(SE(fit))), df = degf(design))
}
# Inference of sampling designs that are told to labels only.
designs <- list(
  weights = svydesign(~1, weights = ~w, data = rows),
  clusters = svydesign(~cluster, weights = ~1, data = rows),
  weights_clusters = svydesign(~cluster, weights = ~w, data = rows),
  strata = svydesign(~1, strata = ~stratum, weights = ~w, data = rows),
  strata_clusters = svydesign(~cluster, strata = ~stratum, weights = ~w, data = rows)
)
control <- list(epsilon = 1e-15, maxit = 100)
families <- list(
  gaussian = list(y ~ x1 + x2, gaussian()),
  binomial = list(answer ~ x1 + x2, quasibinomial()),
  poisson = list(count ~ x1 + x2, quasipoisson())
)
labels <- list()
for (name in names(designs)) {
  design <- designs[[name]]
  record <- mean_of(~y, design)
  for (family in names(families)) {
    asked <- families[[family]]
    fit <- svyglm(asked[[1]], design, family = asked[[2]], control = control)
    record[[family]] <- list(
      coefficients = unname(coef(fit)), covariance = unname(vcov(fit)), df = fit$df.residual
    )
  }
  for (column in c("y", "rating")) for (level in c(0.25, 0.5, 0.9)) {
    formula <- as.formula(paste0("~", column))
    fit <- svyquantile(formula, design, level, qrule = "math", ci = TRUE)
    found <- unname(coef(fit))
    design$variables$below <- as.numeric(design$variables[[column]] <= found)
    share <- svymean(~below, design)
    key <- paste("quantile", column, level)
    interval <- as.numeric(confint(fit))
    record[[key]] <- list(
      quantile = found, share = unname(coef(share)), se_of_share = as.numeric(SE(share)),
      se = as.numeric(SE(fit)), interval = interval
    )
  }
  by_group <- svyby(~y, ~g, design, svymean, covmat = TRUE)
  record$groups <- list(means = unname(coef(by_group)), covariance = unname(vcov(by_group)))
  labels[[name]] <- record
}

# A stratum with one cluster, taken at its distance from the mean of all.
rows$lonely <- ifelse(cluster == 1, 9, stratum)
lonely <- mean_of(~y, svydesign(~cluster, strata = ~lonely, weights = ~w, data = rows))

# A finite population of all rows, and two phases of which the first draws rows from somewhere larger.
rows$e <- rows$y - rows$f
n_h <- as.numeric(table(stratum))
clusters_in <- tapply(cluster, stratum, function(one) length(unique(one)))
rows$N <- n
rows$N_h <- n_h[stratum]
rows$N_c <- 48
rows$N_ch <- as.numeric(clusters_in[as.character(stratum)])
of_label <- function(chosen) rows[rows[[chosen]] == 1, ]
finite <- list(
  simple = svydesign(~1, fpc = ~N, data = of_label("simple")),
  stratified = svydesign(~1, strata = ~stratum, fpc = ~N_h, data = of_label("stratified")),
  by_cluster = svydesign(~cluster, fpc = ~N_c, data = of_label("by_cluster")),
  by_cluster_in_strata = svydesign(
    ~cluster, strata = ~stratum, fpc = ~N_ch, data = of_label("by_cluster_in_strata")
  )
)
of_finite <- lapply(finite, function(design) {
  regression <- svyglm(y ~ x1 + x2, design)
  list(
    y = mean_of(~y, design), residual = mean_of(~e, design),
    gaussian = list(
      coefficients = unname(coef(regression)), covariance = unname(vcov(regression)), df = regression$df.residual
    )
  )
})

# GREG: labels calibrated to the number of all rows and the sum of their predictions.
slope <- function(design) unname(coef(svyglm(y ~ f, design))[2])
greg <- lapply(finite[c("simple", "stratified")], function(design) {
  calibrated <- calibrate(design, ~f, population = c(`(Intercept)` = n, f = sum(rows$f)))
  record <- mean_of(~y, calibrated)
  record$slope <- slope(design)
  record
})
two_phases <- list(
  simple = twophase(
    list(~1, ~1), weights = list(~w, NULL), subset = ~simple == 1, data = rows, method = "approx"
  ),
  stratified = twophase(
    list(~1, ~1), strata = list(~stratum, ~stratum), weights = list(~w, NULL), subset = ~stratified == 1,
    data = rows, method = "approx"
  ),
  stratified_labels = twophase(
    list(~1, ~1), strata = list(NULL, ~stratum), weights = list(~w, NULL), subset = ~stratified == 1,
    data = rows, method = "approx"
  ),
  by_pi = twophase(
    list(~1, ~1), weights = list(~w, NULL), probs = list(NULL, ~pi), subset = ~by_pi == 1, data = rows,
    method = "approx"
  )
)
of_two_phases <- lapply(two_phases, function(design) {
  list(y = mean_of(~y, design), residual = mean_of(~e, design))
})
# The regression estimator: labels calibrated to the number of all rows of the first phase, and the sum of their predictions.
equal <- list(
  simple = twophase(list(~1, ~1), subset = ~simple == 1, data = rows, method = "approx"),
  stratified = twophase(
    list(~1, ~1), strata = list(~stratum, ~stratum), subset = ~stratified == 1, data = rows, method = "approx"
  ),
  stratified_labels = twophase(
    list(~1, ~1), strata = list(NULL, ~stratum), subset = ~stratified == 1, data = rows, method = "approx"
  ),
  by_pi = twophase(
    list(~1, ~1), probs = list(NULL, ~pi), subset = ~by_pi == 1, data = rows, method = "approx"
  )
)
calibrated <- lapply(equal, function(design) {
  record <- mean_of(~y, calibrate(design, phase = 2, formula = ~f))
  record$slope <- slope(design)
  record
})

written <- list(
  survey = as.character(packageVersion("survey")),
  R = paste(R.version$major, R.version$minor, sep = "."),
  rows = as.list(rows[setdiff(names(rows), c("e", "N", "N_h", "N_c", "N_ch"))]),
  labels = labels, lonely = lonely, finite = of_finite, greg = greg, two_phases = of_two_phases, calibrated = calibrated
)
writeLines(json(written), "survey.json")
