"""A DeepSeek-V3 as plainly as it can be written: no cache, no absorption, loops over tokens, heads, experts.

The reference for what transformers cannot run (MTP layers of any number, GLM-4.7-Flash's) and a second
opinion on the rest. Takes the tensors of a checkpoint by name and config.json's own words, RoPE unscaled.
"""

import math
from typing import Any

import torch

EPS = 1e-6


class PlainDeepseek:
    """Whole texts in, logits out."""

    def __init__(self, config: dict[str, Any], tensors: dict[str, Any]) -> None:
        self.config, self.tensors = config, tensors

    def hidden_states(self, token_ids: list[int]) -> Any:
        """(T, C), after the last norm."""
        x = self.embed(token_ids)
        for number in range(self.config["num_hidden_layers"]):
            x = self._layer(x, number)
        return self._norm(x, "model.norm")

    def mtp_hidden_states(self, token_ids: list[int], depth: int) -> Any:
        """(T - depth - 1, C): what MTP layer `depth` makes of a text whose end it does not see."""
        hidden = self.hidden_states(token_ids)
        for layer in range(depth + 1):
            prefix = f"model.layers.{self.config['num_hidden_layers'] + layer}"
            following = self.embed(token_ids[layer + 1 :])
            hidden = hidden[: len(following)]
            joined = [self._norm(following, f"{prefix}.enorm"), self._norm(hidden, f"{prefix}.hnorm")]
            x = torch.cat(joined, dim=-1) @ self.tensors[f"{prefix}.eh_proj.weight"].T
            x = self._layer(x, self.config["num_hidden_layers"] + layer)
            hidden = self._norm(x, f"{prefix}.shared_head.norm")
        return hidden

    def logits(self, hidden: Any) -> Any:
        """(T, V)."""
        return hidden @ self.tensors["lm_head.weight"].T

    def embed(self, token_ids: list[int]) -> Any:
        """(T, C)."""
        return torch.stack([self.tensors["model.embed_tokens.weight"][token] for token in token_ids])

    def _layer(self, x: Any, number: int) -> Any:
        prefix = f"model.layers.{number}"
        x = x + self._attention(self._norm(x, f"{prefix}.input_layernorm"), f"{prefix}.self_attn")
        inner = self._norm(x, f"{prefix}.post_attention_layernorm")
        if number < self.config["first_k_dense_replace"]:
            return x + self._feed_forward(inner, f"{prefix}.mlp")
        return x + torch.stack([self._mixture(token, f"{prefix}.mlp") for token in inner])

    def _attention(self, x: Any, prefix: str) -> Any:
        config = self.config
        nope, rope, value_size = (
            config[key] for key in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
        )
        if config.get("q_lora_rank") is None:
            queries = self._linear(x, f"{prefix}.q_proj")
        else:
            narrow = self._norm(self._linear(x, f"{prefix}.q_a_proj"), f"{prefix}.q_a_layernorm", EPS)
            queries = self._linear(narrow, f"{prefix}.q_b_proj")
        compressed = self._linear(x, f"{prefix}.kv_a_proj_with_mqa")
        latent = self._norm(compressed[:, : config["kv_lora_rank"]], f"{prefix}.kv_a_layernorm", EPS)
        key_part = self._turn(compressed[:, config["kv_lora_rank"] :])
        expanded = self._linear(latent, f"{prefix}.kv_b_proj")
        outputs = []
        for head in range(config["num_attention_heads"]):
            query = queries[:, head * (nope + rope) : (head + 1) * (nope + rope)]
            query = torch.cat([query[:, :nope], self._turn(query[:, nope:])], dim=-1)
            both = expanded[:, head * (nope + value_size) : (head + 1) * (nope + value_size)]
            key = torch.cat([both[:, :nope], key_part], dim=-1)
            scores = query @ key.T / math.sqrt(nope + rope)
            seen = torch.ones_like(scores, dtype=torch.bool).tril()
            outputs.append(scores.masked_fill(~seen, -math.inf).softmax(-1) @ both[:, nope:])
        return self._linear(torch.cat(outputs, dim=-1), f"{prefix}.o_proj")

    def _turn(self, x: Any) -> Any:
        """Rotate neighbours (x0, x1), (x2, x3), … of (T, P)."""
        turned = torch.empty_like(x)
        size = x.shape[-1]
        for position in range(len(x)):
            for pair in range(size // 2):
                angle = position * self.config["rope_theta"] ** (-2 * pair / size)
                first, second = x[position, 2 * pair], x[position, 2 * pair + 1]
                turned[position, 2 * pair] = first * math.cos(angle) - second * math.sin(angle)
                turned[position, 2 * pair + 1] = first * math.sin(angle) + second * math.cos(angle)
        return turned

    def _mixture(self, token: Any, prefix: str) -> Any:
        """One token (C,) through its experts."""
        config = self.config
        scores = torch.sigmoid(self.tensors[f"{prefix}.gate.weight"] @ token)
        corrected = scores + self.tensors[f"{prefix}.gate.e_score_correction_bias"]
        group_size = len(scores) // config["n_group"]
        groups = [list(range(start, start + group_size)) for start in range(0, len(scores), group_size)]
        groups.sort(key=lambda group: sum(sorted(corrected[group].tolist())[-2:]), reverse=True)
        allowed = [expert for group in groups[: config["topk_group"]] for expert in group]
        allowed.sort(key=lambda expert: float(corrected[expert]), reverse=True)
        chosen = allowed[: config["num_experts_per_tok"]]
        total = sum(float(scores[expert]) for expert in chosen) if config["norm_topk_prob"] else 1.0
        mixed = self._feed_forward(token, f"{prefix}.shared_experts")
        for expert in chosen:
            share = float(scores[expert]) / total * config["routed_scaling_factor"]
            mixed = mixed + share * self._feed_forward(token, f"{prefix}.experts.{expert}")
        return mixed

    def _feed_forward(self, x: Any, prefix: str) -> Any:
        gate = self._linear(x, f"{prefix}.gate_proj")
        inner = gate / (1 + torch.exp(-gate)) * self._linear(x, f"{prefix}.up_proj")
        return self._linear(inner, f"{prefix}.down_proj")

    def _linear(self, x: Any, name: str) -> Any:
        product = x @ self.tensors[f"{name}.weight"].T
        bias = self.tensors.get(f"{name}.bias")
        return product if bias is None else product + bias

    def _norm(self, x: Any, name: str, eps: float | None = None) -> Any:
        eps = self.config["rms_norm_eps"] if eps is None else eps
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * self.tensors[f"{name}.weight"]
