"""The plots of the generated stories, as text with choices and slots.

`[a|b]` is one of its parts, and may hold others; `{slot}` is filled by `stories`: hero, friend and other are
characters (`{hero}` how they are called, `{a_hero}` how they are introduced, `{he}` `{him}` `{his}` the
hero's pronouns, `{fhe}` `{fhim}` `{fhis}` the friend's), `{thing}` and `{place}` what the story has beside
them. A slot with a capital letter stands at the start of a sentence.
"""

from __future__ import annotations

from engine.training import words
from engine.training.plot import Plot

OPENING = (
    "[Once upon a time there was {a_hero}.|Once upon a time, {a_hero} lived [near|by|close to] {a_place}."
    "|There was once {a_hero}.|Once there was {a_hero} who lived [near|not far from] {a_place}."
    "|In a little town there lived {a_hero}.|One day, {a_hero} [woke up early|went for a walk|was out for "
    "a walk]."
    "|Long ago, there lived {a_hero}.|[Far|Not so far] away, near {a_place}, there lived {a_hero}."
    "|Here is a story about {a_hero}.|{A_hero} lived in a [small|little|tiny|big|cosy|blue|red] house.] "
)
CLOSING = (
    "[|||||| The end.| And that was that.| What a day it was!| It was the best day of all."
    "| {Hero} never forgot that day.| And they all lived happily ever after.]"
)


HERO_PLOTS = (
    Plot(
        things=words.SMALL_THINGS,
        text="{Hero} had {a_thing}. {He} loved the {thing} more than anything[| in the world]. "
        "[One day|One morning|But one day] the {thing} was gone! {Hero} looked [under the bed|in the "
        "kitchen|in the garden] "
        "and [behind the door|under the table|up in the tree], but it was not there. {He} began to cry. "
        '"Why are you sad?" asked {a_friend}. "I have lost my {thing}," said {hero}. '
        '"[Do not cry.|Do not worry.] I will help you," said {friend}. They looked and looked. '
        "At last they found the {thing} [under a big tree|behind a stone|near the river|in {a_place}]. "
        '"Thank you!" said {hero}, and they were friends [for ever|from that day on].',
    ),
    Plot(
        things=words.SMALL_THINGS,
        text="One [morning|day|evening] {he} found {a_thing} [on the road|on the grass|near {a_place}]. "
        '"Whose {thing} is this?" asked {hero}. {He} asked the [baker|farmer|teacher], but it was not his. '
        "{He} asked the [old woman|queen|singer], but it was not hers. Then {he} saw {a_friend} who was "
        '[crying|sitting all alone]. "I have lost my {thing}," said {friend}. "Here it is," said {hero}. '
        "{Friend} [stopped crying|jumped up] and [smiled|laughed]. {Hero} went home with a [warm|happy] "
        "heart.",
    ),
    Plot(
        things=words.FOODS,
        text="{Hero} was very hungry. {He} wanted {a_thing}, but there was nothing in the "
        "[house|kitchen|pot]. "
        '"Then I will find some food," said {hero}. {He} walked [to {a_place}|all morning|up the hill]. '
        "There {he} met "
        '{a_friend}. {Friend} had {a_thing}. "Please, may I have a little?" asked {hero}. '
        '"Yes," said {friend}, "if you help me [carry water|sweep the floor|pick the flowers]." '
        "So {hero} helped {friend} until the sun went down. Then they sat together and shared the {thing}. "
        "It was the best {thing} {he} had ever eaten.",
    ),
    Plot(
        things=words.FOODS,
        text="One day {he} wanted to make [something good|something special] for {his} "
        "[friends|mother|grandmother]: {a_thing}! "
        "The first time it was too [hot|sweet|salty]. The second time it was too [cold|small|sour]. "
        '"I will never learn it," said {hero}. {A_friend} came to the door. "Try again," said {friend}. "I '
        'will help you." '
        "They worked [all day|all afternoon], and the third time it was just right. "
        "Everyone came to eat the {thing}, and [nothing was left|they asked for more].",
    ),
    Plot(
        text="One night there was a big storm. The [thunder went boom|wind blew and blew], and {hero} was "
        "afraid. "
        "{He} hid under the [bed|table|blanket]. Knock, knock! There was {a_friend} at the door, all wet. "
        '"May I come in?" asked {friend}. "I am afraid too." {Hero} gave {friend} a [dry blanket|warm '
        "drink|bowl of soup], "
        "and they sat close together. They [told each other funny stories|sang a song|counted between the "
        "flashes]. "
        "When the sun came up, they were not afraid any more.",
    ),
    Plot(
        text="{He} was afraid of the [dark|water|rain|big dog|thunder|night]. {His} friends [laughed at "
        "{him}|did not understand]. "
        'One day {a_friend} fell into [a deep hole|the river|a muddy pond]. "Help! Help!" cried {friend}. '
        "Nobody else was there. {Hero} was afraid, but {he} [ran|went] to help. {He} took a long "
        "[stick|rope] "
        'and pulled and pulled until {friend} was [safe|out]. "You are very brave," said {friend}. '
        "{Hero} smiled. {He} was not so afraid any more.",
    ),
    Plot(
        text="One night {hero} could not sleep. {He} turned to the left. {He} turned to the right. "
        "{He} counted [sheep|stars], one, two, three, but still {he} could not sleep. {He} went out and "
        "met {a_friend}. "
        '"I cannot sleep," said {hero}. "[Drink some warm milk|Close your eyes and listen|Think of '
        'something nice]," said {friend}. '
        "So {he} did. {He} heard the [wind in the trees|rain on the roof|frogs in the pond]. "
        "Soon {his} eyes closed, and {hero} slept until the morning.",
    ),
    Plot(
        things=words.PLANTS,
        text='One day {he} found a [small|tiny|brown] seed. "What will it be?" {he} asked. {Hero} put the '
        "seed in the "
        "[ground|garden|soil] and gave it water every day. One day went by. Nothing came. Two days went "
        "by. Nothing came. "
        '"Wait," said {a_friend}. "Good things take time." {Hero} waited. Then one morning there was a '
        "little green leaf! "
        "It grew and grew, and soon it was {a_thing}. All the [birds|children|animals] came to see the "
        "{thing}, "
        "and {hero} was very proud.",
    ),
    Plot(
        text='One day there was a race. {A_friend} said, "I am the fastest of all! Nobody can win but me." '
        "{Hero} was slow, but {he} wanted to try. One, two, three, go! {Friend} ran like the wind. "
        'Soon {fhe} was far ahead. "I have time," said {friend}, and {fhe} [lay down to sleep|stopped to '
        "eat]. "
        "{Hero} went on, step by step, and did not stop. When {friend} [woke up|looked up], {hero} was "
        "already there. "
        '"You won!" said {friend}. "Slow and steady," said {hero}, and they laughed together.',
    ),
    Plot(
        things=words.PLACES,
        text='{Hero} had never seen {a_thing}. "What is it like?" {he} asked {his} '
        "[mother|father|grandmother]. "
        '"Go and see," was the answer. So {he} put some [bread|apples|water] in a bag and went. {He} walked '
        '[over the hill|along the road|through the trees] until {he} met {a_friend}. "Where are you '
        'going?" asked {friend}. '
        '"I am going to see {the_thing}," said {hero}. "May I come with you?" So they went together. '
        "When they came to {the_thing}, they [played|danced|looked around] until the sun went down. "
        'That night {hero} said to {his} mother, "It was more beautiful than I thought."',
    ),
    Plot(
        things=words.VEHICLES,
        text="{Hero} had an old {thing}. It was [dirty|broken|too slow], and everybody laughed at it. "
        '"Throw it away," they said. But {hero} loved the {thing}. {He} washed it. {He} painted it '
        "[red|blue|yellow|green]. "
        "{A_friend} came and helped {him} to mend it. When they were ready, the {thing} looked like new. "
        '"Let us go!" said {hero}. They went [all the way to {a_place}|far away and back], and now '
        "everybody wanted a ride. "
        '"There is room for all," said {hero}.',
    ),
    Plot(
        things=words.VEHICLES,
        text="{He} wanted to see the world, so {he} built {a_thing}. {He} used [wood and nails|old "
        "boxes|ropes and sticks]. "
        '{A_friend} came by. "What are you making?" asked {friend}. "I am making {a_thing}. Do you want to '
        'come?" '
        "They got in and went off. They saw [a mountain|a whale|a waterfall] and [a castle|a city|an "
        "island]. "
        'In the evening they were tired. "The world is big," said {hero}. "But home is best," said {friend}. '
        "So they turned the {thing} around and went home.",
    ),
    Plot(
        things=("moon", "star", "cloud", "rainbow", "sun"),
        text='{He} looked up and saw {a_thing}. "How [beautiful|bright]!" said {hero}. "I want to touch '
        'the {thing}." '
        "{He} climbed a [chair|wall|ladder]. It was not high enough. {He} climbed a [tree|hill|roof]. It "
        "was not high enough. "
        '{He} was tired and sad. Then {a_friend} said, "Look into the water." {Hero} looked, and there was '
        "the {thing}, "
        '[shining|smiling] in the pond! "Now it is near," said {friend}. {Hero} put {his} hand in the '
        "water, and {he} was happy.",
    ),
    Plot(
        things=("rain", "wind", "snow", "sun"),
        text='[For many days|For a long time] there was no {thing}. "Where is the {thing}?" asked {hero}. '
        "Nobody knew. "
        '{He} climbed the highest hill and called, "Please come back!" {A_friend} heard {him} and called '
        "too. "
        "Then all the [animals|children|birds] called. They called so loud that the sky heard them. "
        "[First there was a little.|A cloud moved.] Then the {thing} came, more and more! "
        "Everybody danced in the {thing}, and {hero} danced most of all.",
    ),
    Plot(
        text='One day {he} met {a_friend} on a narrow bridge. "I was here first," said {hero}. "No, I was '
        'here first," said '
        "{friend}. They pushed and pushed. Splash! Both of them fell into the water. They were wet and cold. "
        '"That was silly," said {hero}. "Yes, it was," said {friend}. They began to laugh. '
        'The next day they met again on the bridge. "Please, you go first," said {hero}.',
    ),
    Plot(
        text="[Nobody wanted to play with {him}|{He} had no friends|{He} was new in the village]. {He} sat "
        "alone under a tree. "
        'Then {a_friend} came along. "Why do you sit here?" asked {friend}. "I have nobody to play with," '
        "said {hero}. "
        '"Play with me," said {friend}. They played [hide and seek|catch|with a ball] all day. '
        "{Friend} hid in {a_place}, and {hero} found {fhim}. When it was dark, {hero} went home and said, "
        '"Today I found a friend."',
    ),
    Plot(
        text='It was {his} birthday, but nobody said a word. {Hero} went to {a_friend}. "Do you know what '
        'day it is?" {he} asked. '
        '"It is [Monday|Sunday|Friday]," said {friend}. {Hero} was sad and went [home|to {a_place}]. The '
        "house was dark. "
        '{He} opened the door. "Surprise!" they all cried. There was a cake, and there were '
        "[balloons|drums and songs|flowers]. "
        "Nobody had forgotten. {Hero} laughed and danced all night with {his} friends.",
    ),
    Plot(
        text='One day {he} saw a little ant in the water. "Help!" cried the ant. {Hero} gave the ant a '
        "leaf, and the ant climbed out. "
        '"Thank you," said the ant. "One day I will help you." {Hero} laughed. "You are so small!" Some '
        "days later, {hero} was "
        "caught in a [net|trap]. {He} pulled and pulled, but {he} could not get out. The ant came with a "
        "hundred other ants. "
        'They bit the ropes one by one, and {hero} was free. "Small friends can be big friends," said '
        "{hero}.",
    ),
    Plot(
        things=words.SMALL_THINGS,
        text='An old woman lived near {a_place}. Her basket was heavy. "Let me carry it for you," said '
        "{hero}. "
        "They walked slowly, and the old woman told {him} stories. When they came to her house, she gave "
        "{him} {a_thing}. "
        '"This {thing} is magic," she said. "Use it well." That [night|evening] {hero} met {a_friend} who '
        "was [ill|cold|sad]. "
        '"I wish you were well," said {hero}, and held the {thing}. At once {friend} was [well|warm|happy] '
        "again. "
        "{Hero} smiled and gave the {thing} a kiss.",
    ),
    Plot(
        text="{Hero} went to the market with {his} mother. There were so many [people|colours|sounds]! "
        "{He} stopped to look at the "
        "[red drums|sweet cakes|green parrots]. When {he} looked up, {his} mother was gone. {Hero} began "
        "to cry. "
        '"What is wrong?" asked {a_friend}. "I cannot find my mother." "Stand here and call her," said '
        "{friend}. "
        '"Mother! Mother!" they called together. And there she came, running. She held {hero} tight. '
        '"I will not let go of your hand again," said {hero}.',
    ),
    Plot(
        things=words.PLACES,
        text="Every day {he} went to {the_thing}. One day there was [a lot of rubbish|paper and old "
        "bottles] all around. "
        '"Who did this?" asked {hero}. Nobody knew. {Hero} took a bag and began to clean. {A_friend} saw '
        "{him} and "
        "came to help. Then others came too. By the evening {the_thing} was clean. The [birds|fish|frogs] "
        "came back. "
        '"Look how good it is," said {friend}. "We will keep it so," said {hero}.',
    ),
    Plot(
        text='{A_friend} came to {him} one day. "Give me your [dinner|bed|food], or I will [eat you|bite '
        'you]!" said {friend}. '
        '{Hero} was [small|not strong], but {he} was clever. "There is someone bigger than you," said '
        '{hero}, "and he wants it too. '
        'He lives in the well." {Friend} ran to the well and looked in. {Fhe} saw {fhis} own face in the '
        "water. "
        '"Go away!" {fhe} shouted, and jumped in. Splash! {Hero} laughed, and {friend} never came back.',
    ),
    Plot(
        text="{He} wanted to [sing|dance|fly|swim|paint] like the others. {He} tried on Monday, but {he} "
        "could not. "
        '{He} tried on Tuesday, but {he} could not. "It is too hard," said {hero}. "You must try a little '
        'every day," '
        "said {a_friend}. So {hero} tried a little every day, in the sun and in the rain. "
        '[One morning|After many days] {he} could do it! "I knew you could," said {friend}.',
    ),
)

THING_PLOTS = (
    Plot(
        things=words.VEHICLES,
        thing_is_hero=True,
        text='{It} wanted to see {a_place}. "You are too small," said the others. But one morning the '
        "{thing} "
        'went off, all alone. {It} met {a_friend}. "Can you take me home?" asked {friend}. "I am lost." '
        '"Yes, I can," said the {thing}. They went on together, and {friend} sang a song. When they came '
        "to {a_place}, "
        'everybody was waiting. "You found our friend!" they called. From that day on, nobody said that '
        "the {thing} was too small.",
    ),
    Plot(
        things=(*words.SMALL_THINGS, *words.VEHICLES),
        thing_is_hero=True,
        text="{It} was [old|broken|dusty], and nobody wanted it. {It} lay in [a dark corner|the grass|an "
        "old box] and was sad. "
        'One day {a_friend} found it. "What a fine {thing}!" said {friend}. {Fhe} cleaned it and took it '
        "home. "
        "Every day they played together. At night the {thing} stood beside {fhis} bed. "
        'The {thing} was happy. "Now I am [home|not alone any more]," it thought.',
    ),
    Plot(
        things=("moon", "sun", "star", "cloud", "rainbow", "wind"),
        thing_is_hero=True,
        text='High up in the sky {it} was alone. "Who will play with me?" asked the {thing}. '
        '{A_friend} looked up. "I would play with you, but you are so high!" said {friend}. So the {thing} '
        "came down, "
        "slowly, slowly, to {a_place}. They played all [night|day]. Then the {thing} had to go back. "
        '"Do not be sad," said the {thing}. "Look up, and you will see me." Every [night|day] {friend} '
        "looked up and waved.",
    ),
    Plot(
        things=(*words.PLANTS, "apple", "mango", "pumpkin", "carrot", "pebble", "stone", "shell", "snow"),
        thing_is_hero=True,
        text='{It} was the smallest of all. "You will never be big," said the [birds|others]. '
        "The sun came, and the rain came. {A_friend} sat down beside the {thing} every day and told it "
        "stories. "
        "Days went by, and the {thing} grew [big|strong] and beautiful. Then a hot day came, and {friend} "
        "was tired. "
        '"Come and rest beside me," said the {thing}. "You were my friend when I was small."',
    ),
)
