"""Plots in which the thing may be any noun at all: whoever asks for a story may name any two words.

Written as `plots` says. The thing is named again and again, so that a story stays on what was asked for.
"""

from __future__ import annotations

from engine.training import words
from engine.training.plot import Plot

THINGS = (
    *words.SMALL_THINGS, *words.VEHICLES, *words.FOODS, *words.PLANTS, *words.SKY_THINGS, *words.PLACES,
    *words.OTHER_THINGS, *words.OTHER_THINGS,
)  # fmt: skip
TOUCHABLE = (*words.SMALL_THINGS, *words.VEHICLES, *words.OTHER_THINGS, *words.OTHER_THINGS)

OPEN_HERO_PLOTS = (
    Plot(
        things=THINGS,
        text="{Hero} had seen {a_thing} in a [book|dream|picture], and {he} could think of nothing "
        'else. "I want to see a real {thing}," said {hero}. [So one morning|The next day] {he} '
        'set out to look for one. {He} asked {a_friend}. "Have you seen {a_thing}?" "[No|Not '
        'today]," said {friend}, "but I will come with you." They looked [behind the hill|in the '
        "valley|beside the river]. There was no {thing}. They looked [near {a_place}|at the end "
        "of the road]. There was no {thing}. {Hero} was [tired|sad] and sat down. Then {friend} "
        '[laughed|pointed] and said, "Turn around!" And there it was: {a_thing}, [bigger|more '
        "beautiful|brighter] than {he} had thought. {Hero} [clapped {his} hands|jumped for joy]. "
        '"Thank you for coming with me," said {hero}.',
    ),
    Plot(
        things=THINGS,
        text="{Hero} liked to draw. Today {he} wanted to draw {a_thing}. {He} took a "
        "[red|blue|yellow] pencil and began. The first {thing} was too [small|round|thin]. The "
        'second {thing} looked like [a potato|a shoe|an old hat]. "I cannot draw {a_thing}!" '
        'cried {hero}. {A_friend} looked at the paper. "Look at {the_thing} for a long time '
        'first," said {friend}. "Then draw what you see." So {hero} looked and looked, and then '
        "{he} drew slowly. The third {thing} was [wonderful|just right]. {Hero} gave the picture "
        'to {friend}. "I will put it on my wall," said {friend}, and {hero} was proud.',
    ),
    Plot(
        things=TOUCHABLE,
        text='{Hero} and {a_friend} both wanted {the_thing}. "It is mine," said {hero}. "No, it is '
        'mine," said {friend}. They pulled on {the_thing}, {hero} on one side and {friend} on '
        "the other. [Crack!|Snap!] Now the {thing} was broken. {Hero} looked at {friend}, and "
        '{friend} looked at {hero}. "I am sorry," said {hero}. "I am sorry too," said {friend}. '
        "They [found some string|took a pot of glue] and mended the {thing} together. It was not "
        "as good as new, but now it belonged to both of them. On Monday {hero} had the {thing}, "
        "and on Tuesday {friend} had it. [On Sunday they shared it.|It was more fun that way.]",
    ),
    Plot(
        things=TOUCHABLE,
        text='One day {a_friend} gave {him} a [big|little|square] box. "Do not open it before the '
        'evening," said {friend}. {Hero} put the box on the table. What was in it? {He} '
        '[shook|smelled|tapped] the box. "Is it [a hat|a cake|a ball]?" {he} asked. "Wait and '
        'see," said {friend}. {Hero} waited all [day|afternoon]. It was very hard. At last the '
        'sun went down, and {hero} opened the box. Inside was {a_thing}! "{A_thing}! How did you '
        'know?" cried {hero}. "You talk about it in your sleep," said {friend}, and they both '
        "laughed. That night the {thing} stood beside the bed, and {hero} dreamed of it.",
    ),
    Plot(
        things=THINGS,
        text='Everybody in the village was afraid of {the_thing}. "Never go near it," they said. But '
        "{hero} was curious. One [morning|evening] {he} went to look, very quietly. {He} saw "
        '{the_thing}. It was not [bad|terrible] at all! Beside it sat {a_friend}. "Are you not '
        'afraid?" asked {friend}. "A little," said {hero}. "But I wanted to see for myself." '
        "They sat together beside {the_thing} and [talked|sang|shared some bread] until it was "
        'late. Then {hero} went home and told everybody. "{The_thing} does no harm," {he} said. '
        '"Come and see!" First one came, then two, then all of them. Nobody was afraid of '
        "{the_thing} any more.",
    ),
    Plot(
        things=TOUCHABLE,
        text="{Hero} wanted to give {a_friend} a present, but {he} had no money. {He} thought and "
        'thought. "I know!" said {hero}. "I will make {a_thing}." {He} took [old paper|some '
        "wood|bits of cloth] and worked [all day|until dark]. When the {thing} was ready, it was "
        'a little crooked. {Hero} was afraid that {friend} would not like it. "Here," said '
        '{hero}, "it is {a_thing}. I made it for you." {Friend} looked at the {thing} for a long '
        'time. "It is the best {thing} in the world," said {friend}, "because you made it." '
        "{Hero} felt [warm|happy] from head to toe.",
    ),
    Plot(
        things=THINGS,
        text='"Today I will tell you a secret," said {a_friend} to {hero}. "What is it?" asked '
        '{hero}. "[Far away|Not far from here], near {a_place}, there is {a_thing} that can '
        'talk." "{A_thing} that can talk? I do not believe it!" said {hero}. So they went to '
        'see. They came to {the_thing} and waited. Nothing happened. {Hero} said, "Hello, '
        '{thing}!" "Hello, {address}," said the {thing}. {Hero} nearly fell over! "How do you know '
        'me?" {he} asked. "I see you every day when you go by," said the {thing}, "but you never '
        'said hello before." From then on {hero} said hello every day.',
    ),
    Plot(
        things=TOUCHABLE,
        text='The {thing} of {a_friend} had been [taken|lost] in the night. "Who can find my '
        '{thing}?" asked {friend}. "I can," said {hero}. {He} looked at the ground and saw '
        "[small footprints|a line of crumbs|some feathers]. {Hero} followed them [through the "
        "garden|down the path|around the pond]. They went on and on, to a [hole|nest] under an "
        'old tree. There sat a little mouse with the {thing}. "I was cold, and the {thing} kept '
        'me warm," said the mouse. "You must give it back," said {hero}, "but you may have my '
        'scarf." So the mouse had a scarf, {friend} had the {thing} again, and everybody said '
        "that {hero} was very clever.",
    ),
    Plot(
        things=THINGS,
        text="{He} had one big wish: {he} wished for {a_thing}. {Hero} wished for it [every night|at "
        "every star]. One night a [tiny|golden] light came through the window. It was "
        '{a_friend}. "You may have your {thing}," said {friend}, "but first do three good '
        'things." In the morning {hero} [helped an old man across the road|fed the birds|carried '
        "water for a neighbour]. At noon {he} [mended a fence|gave away {his} last cake|helped a "
        "beetle that lay on its back]. In the evening {he} was tired, but {he} sang a song for a "
        'baby that cried. When {he} came home, there was {a_thing}! "You have earned it," said '
        "{friend}. {Hero} never forgot how good it felt.",
    ),
)

OPEN_THING_PLOTS = (
    Plot(
        things=TOUCHABLE,
        thing_is_hero=True,
        text="{It} lived in a shop and waited. Every day people came in, but nobody looked at the "
        '{thing}. "I am too [plain|small|old]," thought the {thing}. One rainy day {a_friend} '
        "came into the shop. {Friend} looked at [the toys|the books|the hats], and then {fhe} "
        'saw the {thing}. "Oh!" said {friend}. "This is just what I need." {Fhe} paid with '
        "[two|three] coins and carried the {thing} home under {fhis} arm. At home {friend} put "
        "the {thing} in the best place, [near the window|beside the fire]. Every evening {fhe} "
        "looked at it and smiled. The {thing} was not alone any more. It was home.",
    ),
    Plot(
        things=TOUCHABLE,
        thing_is_hero=True,
        text="{It} could do something that no other {thing} could do: {it} could "
        "[sing|dance|fly|whistle]. But it was a secret. One night there was a loud noise. "
        '{A_friend} was [crying|afraid] in the dark. "Should I help?" thought the {thing}. Then '
        "it began to [sing softly|dance on the table|glow a little]. {Friend} stopped crying and "
        'looked. "{A_thing} with magic!" {fhe} whispered. "[Do not tell|Tell nobody]," said the '
        '{thing}. "I will not," said {friend}. From that night on the {thing} and {friend} had a '
        "secret together, and {friend} was never afraid in the dark again.",
    ),
    Plot(
        things=TOUCHABLE,
        thing_is_hero=True,
        text='{It} was proud. "I am the finest {thing} of all," it said. "I need nobody." One day the '
        'wind blew, and the {thing} fell [into the mud|into a hole|off the wall]. "Help!" called '
        "the {thing}. {A_friend} heard it and came. {Friend} pulled the {thing} out and washed "
        'it with [clean|warm] water. "Why do you help me?" asked the {thing}. "I was never kind '
        'to you." "Because you called," said {friend}. The {thing} thought about that for a long '
        "time. After that day it was not so proud any more, and it had a friend.",
    ),
)
