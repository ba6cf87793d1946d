"""The words that generated stories are made of, by the part they can play.

Knows nothing of plots; only which words exist and which article or pronoun goes with them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Gender = Literal["he", "she"]

# Kept out of every generated story, so that requests about them show what carries over to new words.
HELD_OUT_NOUNS = frozenset(
    """fox camel otter panda swan goose kite lamp bell drum umbrella tractor plane pie banana nurse pirate
    tulip""".split()
)


def _kept(nouns: str) -> tuple[str, ...]:
    return tuple(noun for noun in nouns.split() if noun not in HELD_OUT_NOUNS)


ANIMALS = _kept(
    """ant badger bat bear beaver bee beetle bird buffalo bull bunny butterfly calf camel cat caterpillar
    chameleon cheetah chick chicken cow crab cricket crocodile crow cub deer dog dolphin donkey dove dragon
    dragonfly duck duckling eagle elephant elk fawn ferret firefly fish flamingo foal fox frog gecko gerbil
    giraffe goat goose gorilla grasshopper hamster hare hedgehog hen heron hippo horse hyena iguana jackal
    jaguar kangaroo kingfisher kitten koala ladybird lamb leopard lion lizard llama lobster magpie mole
    mongoose monkey moose moth mouse mule newt octopus ostrich otter owl ox panda panther parrot peacock
    pelican penguin pig pigeon piglet pony porcupine puppy quail rabbit raccoon rat raven reindeer rhino
    robin rooster seal shark sheep shrew skunk sloth snail snake sparrow spider squirrel starfish stork
    swallow swan tiger toad tortoise toucan turkey turtle unicorn vulture walrus weasel whale wolf
    woodpecker worm yak zebra robot dinosaur monster giant elf dwarf ghost snowman mermaid"""
)

WOMEN = tuple("""girl woman queen princess grandmother sister witch fairy aunt""".split())
MEN = tuple("""boy man king prince grandfather brother wizard knight uncle""".split())
PEOPLE = _kept(
    """farmer baker teacher doctor nurse painter singer potter tailor driver fisher gardener shepherd
    carpenter cook weaver dancer pilot sailor drummer builder child student postman pirate inventor
    astronaut explorer librarian musician"""
)

SHE_NAMES = tuple(
    """Ada Aisha Akai Alma Amina Amma Anna Asha Aya Bella Bina Chitra Clara Daisy Deepa Dina Ella Emma
    Esther Eva Fatima Gita Grace Hana Hope Ida Ines Isha Ivy Jaya Joy Juma Kavi Kiran Lakshmi Leela Lila
    Lily Lina Lola Lucy Luna Malika Mara Maya Meena Mia Mina Molly Nadia Naledi Nana Nia Nina Nora Olive
    Palesa Pia Poppy Priya Rani Rita Rosa Ruby Sana Sara Sita Sofia Stella Sunita Tara Thandi Tina Uma
    Vera Wanda Yara Zara Zola Zoe""".split()
)
HE_NAMES = tuple(
    """Abu Adam Ajay Ali Amos Anil Arjun Arun Ben Bheem Bruno Chandu Daniel Dev Eli Emeka Felix Finn Gopal
    Hari Hugo Ibrahim Ivan Jack Jai Jojo Jomo Kabir Kato Kofi Kwame Leo Luka Manu Max Milo Mohan Moses
    Musa Nico Noah Odongo Omar Oscar Otto Paul Peter Pip Raju Ravi Rishi Rohan Sam Sanjay Sipho Sunil
    Tariq Teo Tim Tito Toby Tom Tumelo Tunde Vijay Vikram Vusi Will Yusuf Zaki""".split()
)

ADJECTIVES = tuple(
    """brave bright brown busy careful cheerful clever curious fat friendly funny gentle grey greedy green
    grumpy happy hungry jolly kind lazy little lonely lucky merry naughty noisy old playful poor proud
    quick quiet red sad sleepy slow small shy silly spotted striped strong tall thin thirsty tiny
    wise white yellow young""".split()
)

COLOURS = frozenset("brown grey green red spotted striped white yellow".split())

SMALL_THINGS = _kept(
    """ball basket bell blanket book bottle bowl box brush button candle cap coat coin comb cup doll drum
    feather flute glove hat jar kettle key kite ladder lamp lantern letter map marble mask mirror mug
    necklace needle notebook paintbrush pebble pencil pillow pipe pot purse puzzle ribbon ring rope
    scarf shell shirt shoe slipper sock spoon stick stone sweater teapot toy trumpet umbrella vase
    violin watch whistle guitar camera crown sack jacket sword telescope"""
)
VEHICLES = _kept(
    """boat train bus bicycle tractor car truck ship cart wagon rocket plane raft balloon tram taxi scooter
    sledge canoe engine submarine"""
)
FOODS = _kept(
    """cake pie bun cookie pancake mango apple banana orange pear plum peach pumpkin melon coconut carrot
    loaf biscuit pudding pizza sandwich potato soup stew bread honey cheese rice jam porridge"""
)
UNCOUNTED_FOODS = frozenset("soup stew bread honey cheese rice jam porridge".split())
PLANTS = _kept("""tree flower rose sunflower bush vine pumpkin bean tulip daisy lily cactus oak palm""")
SKY_THINGS = tuple("moon sun star rainbow cloud wind rain snow sky".split())
UNIQUE_THINGS = frozenset("moon sun wind rain snow sky sea".split())
OTHER_THINGS = _kept(
    """chair table desk door window clock shelf drawer carpet curtain mattress cradle stool bench fence
    gate barrel bucket tub towel soap sponge broom mop shovel rake hammer saw nail wheel pulley spade
    hook net trap cage nest tent flag banner brick tile chimney tower statue fountain swing slide seesaw
    puppet marionette dice card piano harp cello tambourine accordion horn gong painting photograph
    postcard stamp newspaper magazine dictionary diary crayon chalk eraser ruler compass globe magnet
    battery torch lightbulb candlestick radio television telephone computer printer typewriter
    calculator microscope thermometer bandage crutch wheelchair boot sandal mitten apron belt tie vest
    robe cape cloak veil bracelet brooch earring medal trophy treasure diamond ruby emerald pearl gem
    nugget egg acorn pinecone leaf petal root twig log mushroom seashell seaweed crystal icicle
    snowflake parachute skateboard sled surfboard kayak ferry lighthouse windmill treehouse igloo
    sandcastle maze
    tunnel staircase elevator attic cellar teacup saucer fork plate napkin straw lunchbox backpack
    suitcase envelope parcel present cottage balcony basement bathtub blouse bonnet bouquet broomstick
    bowtie chain clarinet cushion dollhouse dustbin easel fan fishbowl flowerpot goblet hammock
    handkerchief hourglass jigsaw jug kennel locket lollipop mailbox nutshell oar paddle peg pincushion
    pitcher postbox quilt raincoat rattle rowboat rucksack saddle signpost snowball stocking sundial
    tablecloth teddy thimble thread trunk wallet wand wardrobe waterfall weathervane wishbone"""
)
# what may stand where an animal or a person stands, too: children ask for stories about anything
TALKING_THINGS = tuple(
    noun for noun in (*SMALL_THINGS, *VEHICLES, *FOODS, *PLANTS, *OTHER_THINGS) if noun not in UNCOUNTED_FOODS
)
PLACES = tuple(
    """forest river mountain lake garden market village town school farm beach island desert field hill
    valley castle jungle city park library pond house cave bridge road meadow zoo sea""".split()
)

# what invented words are made of: none of them begins with a letter of which the article is in doubt
ONSETS = tuple(
    """b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p pl pr qu r s sh sl sn sp st t tr v w z
    a i""".split()
)
NUCLEI = tuple("a e i o u ai ee oa oo ou".split())
MIDDLES = tuple("b bb d dd ff g gg l ll m mb mp n nd nn p pp r rb rd rr sk st t tt v x".split())
ENDINGS = tuple(
    """a ack ader ad ail an ank ap ark at ator e el en er et ick ig ill imp in ing ipe o ock og on oo op or
    ot ow um up us y""".split()
)

AN_WORDS = ("hour", "honest")
A_WORDS = ("uni", "one", "eu", "ukulele", "use")


def with_article(words: str) -> str:
    """`words` with "a" or "an" before it: a boat, an owl, a unicorn."""
    lowered = words.lower()
    vowel = lowered[0] in "aeiou" and not lowered.startswith(A_WORDS)
    return f"{'an' if vowel or lowered.startswith(AN_WORDS) else 'a'} {words}"


def invented_noun(rng: random.Random) -> str:
    """A word that nobody has heard: who tells of it must copy it from the request."""
    while True:
        middle = rng.choice(NUCLEI) + rng.choice(MIDDLES) if rng.random() < 0.75 else ""
        noun = rng.choice(ONSETS) + middle + rng.choice(ENDINGS)
        if 3 <= len(noun) <= 9 and noun not in HELD_OUT_NOUNS:
            return noun


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """Somebody in a story: what they are, how they are, whether they are called something."""

    noun: str
    gender: Gender
    adjective: str = ""
    name: str = ""

    @property
    def described(self) -> str:
        """The noun with its adjective: "shy cat"."""
        return f"{self.adjective} {self.noun}".strip()

    @property
    def introduced(self) -> str:
        """How the story presents them the first time: "a shy cat named Luna"."""
        return with_article(self.described) + (f" named {self.name}" if self.name else "")

    @property
    def definite(self) -> str:
        """What they are, once they are known: "the cat"."""
        return f"the {self.noun}"

    @property
    def called(self) -> str:
        """How the story speaks of them afterwards: "Luna", or "the cat"."""
        return self.name or self.definite

    def pronouns(self) -> dict[str, str]:
        """The pronouns that agree with them, by the pronoun of a man."""
        if self.gender == "he":
            return {"he": "he", "him": "him", "his": "his", "himself": "himself"}
        return {"he": "she", "him": "her", "his": "her", "himself": "herself"}


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing or a place in a story."""

    noun: str

    @property
    def indefinite(self) -> str:
        """The thing when first named: "a boat", "the moon", "some soup"."""
        if self.noun in UNIQUE_THINGS:
            return f"the {self.noun}"
        if self.noun in UNCOUNTED_FOODS:
            return f"some {self.noun}"
        return with_article(self.noun)

    @property
    def subject(self) -> str:
        """The thing as what a story is about: "a boat", "the moon", "soup"."""
        return self.noun if self.noun in UNCOUNTED_FOODS else self.indefinite

    @property
    def definite(self) -> str:
        """The thing once it is known: "the boat"."""
        return f"the {self.noun}"
