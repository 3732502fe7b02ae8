"""The update of soft actor-critic, of the size that stable-baselines3 uses by default.

Two hidden layers of 256 units, mini-batches of 256, observations of 17 and actions of 6 numbers:
an actor, two critics with their targets, and a temperature. Run it as
``python examples/torch/sac_update.py [--short]``; it prints the time of an update and the share of
it that the three optimizer steps take.
"""

import argparse
import statistics
import time

import torch

import fastlr.torch

OBSERVATION, ACTION, UNITS, BATCH = 17, 6, 256, 256


def network(inputs, outputs):
    """Return two hidden layers of 256 units."""
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, UNITS),
        torch.nn.ReLU(),
        torch.nn.Linear(UNITS, UNITS),
        torch.nn.ReLU(),
        torch.nn.Linear(UNITS, outputs),
    )


class Agent:
    """Networks and optimizers of soft actor-critic (Haarnoja et al. 2018)."""

    def __init__(self, optimizer, **settings):
        torch.manual_seed(0)
        self.actor = network(OBSERVATION, 2 * ACTION)
        self.critics = torch.nn.ModuleList(network(OBSERVATION + ACTION, 1) for _ in range(2))
        self.targets = torch.nn.ModuleList(network(OBSERVATION + ACTION, 1) for _ in range(2))
        self.targets.load_state_dict(self.critics.state_dict())
        self.log_alpha = torch.zeros(1, requires_grad=True)
        self.optimizers = [
            optimizer(params, lr=3e-4, **settings)
            for params in (self.actor.parameters(), self.critics.parameters(), [self.log_alpha])
        ]
        self.stepping = 0.0

    def act(self, observation):
        """Draw actions and return their log-density."""
        mean, log_std = self.actor(observation).chunk(2, -1)
        normal = torch.distributions.Normal(mean, log_std.clamp(-20, 2).exp())
        raw = normal.rsample()
        action = raw.tanh()
        density = normal.log_prob(raw) - torch.log(1 - action.square() + 1e-6)
        return action, density.sum(-1, keepdim=True)

    def step(self, optimizer, loss):
        """Make one optimizer step, timed."""
        optimizer.zero_grad()
        loss.backward()
        before = time.perf_counter()
        optimizer.step()
        self.stepping += time.perf_counter() - before

    def update(self, observation, action, reward, following):
        """Make one update of temperature, critics, actor and targets."""
        actor_steps, critic_steps, alpha_steps = self.optimizers
        drawn, density = self.act(observation)
        alpha = self.log_alpha.exp().detach()
        self.step(alpha_steps, -(self.log_alpha * (density - ACTION).detach()).mean())
        with torch.no_grad():
            coming, coming_density = self.act(following)
            pair = torch.cat([following, coming], 1)
            lowest = torch.cat([t(pair) for t in self.targets], 1).min(1, keepdim=True).values
            aim = reward + 0.99 * (lowest - alpha * coming_density)
        pair = torch.cat([observation, action], 1)
        loss = sum(torch.nn.functional.mse_loss(c(pair), aim) for c in self.critics)
        self.step(critic_steps, 0.5 * loss)
        pair = torch.cat([observation, drawn], 1)
        value = torch.cat([c(pair) for c in self.critics], 1).min(1, keepdim=True).values
        self.step(actor_steps, (alpha * density - value).mean())
        with torch.no_grad():
            for kept, new in zip(self.targets.parameters(), self.critics.parameters(), strict=True):
                kept.lerp_(new, 0.005)


def main():
    """Compare optimizers of the same rule, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few updates")
    updates, rounds = (3, 1) if parser.parse_args().short else (100, 5)
    torch.set_num_threads(1)
    makers = {
        "torch.optim.Adam": lambda: Agent(torch.optim.Adam),
        "torch.optim.Adam(fused=True)": lambda: Agent(torch.optim.Adam, fused=True),
        "fastlr.torch.Adam": lambda: Agent(fastlr.torch.Adam),
    }
    found = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            agent = make()
            generator = torch.Generator().manual_seed(1)
            rows = [
                torch.randn(BATCH, n, generator=generator)
                for n in (OBSERVATION, ACTION, 1, OBSERVATION)
            ]
            agent.update(*rows)
            agent.stepping, started = 0.0, time.perf_counter()
            for _ in range(updates):
                agent.update(*rows)
            found[name].append((time.perf_counter() - started, agent.stepping))
    for name, times in found.items():
        whole = statistics.median(t for t, _ in times) / updates * 1e3
        steps = statistics.median(s for _, s in times) / updates * 1e3
        print(f"{name:30s} update {whole:.2f} ms  steps {steps:.3f} ms {steps / whole:.0%}")


if __name__ == "__main__":
    main()
