"""What linear models, networks, classifiers and regressors each bring to an estimator."""
