"""Lightning: a module whose optimizer and schedule are fastlr's.

Run it as ``python examples/torch/lightning_digits.py [--short]``. Needs ``pip install lightning``.
"""

import argparse
import logging

import lightning
import torch
from sklearn.datasets import load_digits

import fastlr.torch


class Digits(lightning.LightningModule):
    """An MLP with a one-cycle schedule."""

    def __init__(self, total_steps):
        super().__init__()
        self.total_steps = total_steps
        self.network = torch.nn.Sequential(
            torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
        )

    def training_step(self, batch, _):
        """Return the loss of a mini-batch."""
        X, y = batch
        return torch.nn.functional.cross_entropy(self.network(X), y)

    def configure_optimizers(self):
        """Return AdamW with the rate and momentum of a one-cycle schedule, step by step."""
        optimizer = fastlr.torch.AdamW(self.parameters(), lr=1e-2)
        schedule = fastlr.torch.Schedule(optimizer, "onecycle", total_steps=self.total_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def main():
    """Train on digits and print the accuracy on them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="two epochs instead of ten")
    epochs = 2 if parser.parse_args().short else 10
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.manual_seed(0)
    X, y = load_digits(return_X_y=True)
    rows = torch.utils.data.TensorDataset(
        torch.from_numpy((X / 16.0).astype("float32")), torch.from_numpy(y)
    )
    batches = torch.utils.data.DataLoader(rows, batch_size=32, shuffle=True)
    model = Digits(epochs * len(batches))
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, batches)
    with torch.no_grad():
        right = (model.network(rows.tensors[0]).argmax(1) == rows.tensors[1]).float().mean()
    print(f"accuracy {float(right):.3f}")


if __name__ == "__main__":
    main()
