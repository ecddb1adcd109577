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
