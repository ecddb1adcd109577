"""Tiny language models with random weights, saved as the hub saves models."""

import torch

WORDS = [f"w{number}" for number in range(40)]


def save_tokenizer(folder, framed=False):
    """Words are word pieces; `framed` puts one before and a special one after every text, as BERT does."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[EOS]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if framed:
        frame = [(piece, vocabulary[piece]) for piece in ("w39", "[EOS]")]
        tokenizer.post_processor = processors.TemplateProcessing(
            single="w39 $A [EOS]", special_tokens=frame
        )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", eos_token="[EOS]"
    ).save_pretrained(folder)


# What the sizes of `tiny_architecture` leave open, or call by another name.
DECODERS = {
    "GPT2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64},
    "Llama": {"num_key_value_heads": 1},
    "Mistral": {"num_key_value_heads": 1},
    "Qwen2": {"num_key_value_heads": 1},
    "Qwen3": {"num_key_value_heads": 1, "head_dim": 8},
    "Gemma": {"num_key_value_heads": 1, "head_dim": 8},
    "Gemma2": {"num_key_value_heads": 1, "head_dim": 8},
    "Phi": {},
    "Phi3": {"num_key_value_heads": 1},
    "GPTNeoX": {},
    "OPT": {"ffn_dim": 32, "word_embed_proj_dim": 16},
    "Bloom": {"n_layer": 2, "n_head": 2},
    "Falcon": {},
    "Mixtral": {"num_key_value_heads": 1, "num_local_experts": 4},
    "Qwen3Moe": {
        "num_key_value_heads": 1,
        "head_dim": 8,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
    },
    "Mamba": {"state_size": 4},
}
ENCODERS = {
    "Bert": {},
    "Roberta": {},
    "XLMRoberta": {},
    "DistilBert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    "Electra": {"embedding_size": 16},
    "DebertaV2": {"relative_attention": True, "position_buckets": 8, "pos_att_type": ["c2p", "p2c"]},
    "MPNet": {},
    "ModernBert": {"cls_token_id": 3, "sep_token_id": 2, "bos_token_id": 3, "eos_token_id": 2},
    "Albert": {"embedding_size": 8},
    "T5": {"num_layers": 2, "num_heads": 2, "d_model": 16, "d_ff": 32, "d_kv": 8},
    "FNet": {},
    "ConvBert": {"embedding_size": 16},
}
_SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
}


def tiny_architecture(family, end, folder, **settings):
    """A model of any family, saved as the hub saves models; None if the installed transformers does not know it."""
    import transformers

    config = getattr(transformers, f"{family}Config", None)
    if config is None:
        return None
    special = (DECODERS | ENCODERS).get(family, {})
    sizes = {
        name: size for name, size in _SIZES.items() if config.attribute_map.get(name) not in special
    }
    everything = {"vocab_size": 43, "pad_token_id": 0, **sizes, **special, **settings}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, f"{family}{end}")(config(**everything))
    for parameter in model.parameters():  # they begin too small to tell texts apart
        if parameter.dim() > 1:
            parameter.data *= 5
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return str(folder)


def tiny_model(kind, folder, framed=False, **settings):
    """A model of a few thousand random weights, saved as the hub saves models."""
    import transformers

    sizes = {
        "vocab_size": 43,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
        "pad_token_id": 0,
    }
    ends = ("Model", "ForSequenceClassification", "ForCausalLM")
    family = next(kind.removesuffix(end) for end in ends if kind.endswith(end))
    config = getattr(transformers, f"{family}Config")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, kind)(config(**sizes, **settings))
    for parameter in model.parameters():  # they begin too small to tell texts apart
        parameter.data *= 5
    model.save_pretrained(folder)
    save_tokenizer(folder, framed)
    return str(folder)
