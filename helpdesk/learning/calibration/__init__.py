"""From out-of-fold scores to calibrated confidence and thresholds that keep the error-rate contract."""
