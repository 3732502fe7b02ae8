"""What is done: data sets, made or read, each the same for all contenders."""
