# ruff: noqa: E501 - the tables are data, one product per line
"""The words of the corner shop: departments, product types, synonyms, brands, occasions. Data and its parser only.

Everything here was written for this project; the brands are invented. This module does not know who buys what: the
occasions are lists of product types, and how often each is bought is decided in ``corner_shop``.

How to read ``CATALOGUE``::

    # Department | its five brands, one per house style (value, premium, eco, classic, modern); * typed in tests only
    ## Category | training queries | query held back for the test events
    = materials | features
    Type name | further training queries | query held back | sizes | what it is good for

A query held back is typed in test events only. It stands in descriptions, so a model that reads text can learn it.
"""

from __future__ import annotations

from typing import NamedTuple

STYLES = ("value", "premium", "eco", "classic", "modern")

CATALOGUE = """
# Outdoor & Travel | tarnbeck norrvik fernhollow stagmoor veltrek*
## Camping | camping gear; camping equipment | campsite kit
= ripstop nylon; canvas; aluminium; recycled polyester | lightweight; waterproof; folding; windproof
Tent | camping tent; dome tent | shelter | 2-Person; 3-Person; 4-Person | keeps rain and wind out all night; pitches in under ten minutes
Sleeping Bag | mummy sleeping bag | bedroll | 3-Season; Summer; Winter | holds its warmth on cold nights; packs down to the size of a loaf
Camp Stove | gas stove; camping cooker | burner | 1-Ring; 2-Ring | boils a litre of water in four minutes; stays steady on uneven ground
Lantern | camping lantern; tent light | hurricane lamp | 200 Lumen; 400 Lumen | throws an even, warm light; runs for thirty hours on one charge
## Hiking | hiking gear; walking equipment | rambling kit
= mesh; leather; ripstop nylon; carbon fibre | lightweight; waterproof; breathable; adjustable
Backpack | rucksack; hiking backpack | daypack | 20 L; 30 L; 45 L | sits close to the back and carries evenly; has room for a full day out
Trekking Poles | walking poles; hiking sticks | staffs | Pair, 110 cm; Pair, 130 cm | takes the strain off the knees downhill; locks firmly at any length
Hiking Boots | walking boots; mountain boots | trail footwear | Mid Cut; High Cut | grips wet rock and loose gravel; supports the ankle on long descents
Water Bottle | drinking bottle; sports bottle | canteen | 500 ml; 750 ml; 1 L | never leaks in a bag; opens with one hand
## Cycling | cycling gear; bike accessories | cyclist kit
= aluminium; moulded foam; silicone; recycled polyester | waterproof; reflective; adjustable; rechargeable
Bike Helmet | cycle helmet; bicycle helmet | crash hat | S; M; L | fits snugly with a turn of the dial; lets air flow on hot days
Bike Light | bicycle light; cycle lights | headlamp | Front; Rear; Set of 2 | is seen from half a mile away; clips on without tools
Pannier Bag | bike pannier; bicycle bag | saddlebag | 15 L; 20 L | hooks onto any rack in a second; keeps papers dry in a downpour
Bike Pump | tyre pump; cycle pump | inflator | Mini; Floor | fills a flat tyre in a minute; fits every common valve
## Water Sports | water sports gear; swim equipment | aquatic kit
= neoprene; silicone; pvc; recycled polyester | waterproof; quick-dry; inflatable; adjustable
Swim Goggles | swimming goggles; pool goggles | eyewear | Junior; Adult | seals softly around the eyes; does not fog over
Dry Bag | waterproof bag; roll-top bag | barrel sack | 5 L; 10 L; 20 L | keeps everything dry when it floats; closes with three rolls
Paddle Board | stand up paddle board; sup board | paddleboarding deck | 9 ft; 10 ft; 11 ft | stays stable for first timers; packs into its own rucksack
Wetsuit | surf suit; swim wetsuit | steamer | Shorty; Full | keeps the chill out of the sea; stretches where you need it
## Luggage | luggage; travel bags | baggage
= polycarbonate; recycled polyester; leather; canvas | lightweight; water-resistant; folding; lockable
Cabin Suitcase | carry-on suitcase; hand luggage case | trolley | 30 L; 36 L; 40 L | rolls quietly on four wheels; fits the cabin limits of most airlines
Packing Cubes | suitcase organisers; packing bags | compression pouches | Set of 3; Set of 6 | keeps shirts flat and socks in their place; squeezes a week into half a case
Travel Pillow | neck pillow; plane pillow | headrest | U-Shape; Wrap | holds the head upright while you doze; washes at forty degrees
Toiletry Bag | wash bag; travel wash bag | dopp pouch | Small; Large; Hanging | hangs from any hook; holds a full set of bottles upright
# Home & Furniture | plainstead aurelle mosswick oldenbury* kubrisk
## Bedding | bedding; bed linen | bedclothes
= cotton; linen; bamboo fibre; goose down | breathable; hypoallergenic; machine washable; quilted
Duvet | quilt; double duvet | comforter | Single; Double; King | keeps an even warmth until morning; feels light rather than heavy
Pillow | bed pillow; sleeping pillow | bolster | Soft; Medium; Firm | springs back every morning; cradles neck and shoulders
Mattress Topper | mattress pad; bed topper | underlay | Single; Double; King | makes a hard bed kind; stays put with corner straps
Bed Sheet Set | fitted sheets; bed sheets | coverlets | Single; Double; King | stays crisp after many washes; fits deep mattresses
## Lighting | lighting; lamps | luminaires
= brass; linen; powder-coated steel; bamboo | dimmable; energy saving; adjustable; rechargeable
Desk Lamp | reading lamp; table lamp | study light | LED; E14 | lights the page and not the room; bends to where you need it
Floor Lamp | standing lamp; corner lamp | uplighter | 150 cm; 170 cm | fills a dark corner with soft light; stands on a heavy base
String Lights | fairy lights; garden lights | festoon | 5 m; 10 m; 20 m | twinkles indoors and out; loops along a fence in minutes
Night Light | bedside night light; plug-in night light | glowlight | Plug-In; Portable | glows gently until dawn; switches itself on at dusk
## Storage | home storage; storage solutions | declutter
= bamboo; felt; recycled plastic; woven seagrass | stackable; folding; space saving; wipe clean
Storage Box | storage bin; plastic box with lid | crate | 15 L; 30 L; 60 L | stacks neatly in the loft; shuts with a firm click
Shelf Unit | shelving unit; storage shelves | rack | 3-Tier; 4-Tier; 5-Tier | carries forty kilos a shelf; goes up without tools
Wardrobe Organiser | closet organiser; hanging shelves | dividers | 4-Shelf; 6-Shelf | brings order to jumpers and scarves; hangs from the rail you have
Laundry Basket | laundry hamper; washing basket | dirty clothes bin | 40 L; 60 L | hides a week of washing; lifts out by two handles
## Decor | home decor; decorations | ornaments
= ceramic; jute; oak; soy wax | handmade; scented; stain-resistant; vintage-style
Picture Frame | photo frame; wall frame | portrait mount | A4; 10 x 15 cm; 30 x 40 cm | sets off prints and certificates; hangs or stands
Candle | scented candle; jar candle | votive | Small; Large; Set of 3 | burns cleanly for forty hours; scents a whole room
Rug | floor rug; area rug | carpet | 80 x 150 cm; 120 x 170 cm; 160 x 230 cm | softens a bare floor; stays flat at the corners
Vase | flower vase; table vase | urn | 18 cm; 25 cm; 32 cm | shows off a single stem or a whole bunch; stands firm on a sill
## Furniture | furniture; room furniture | furnishings
= oak; birch plywood; powder-coated steel; woven fabric | ergonomic; folding; space saving; adjustable
Office Chair | desk chair; swivel chair | task seat | Mid Back; High Back | supports the back through a long day; rolls without marking the floor
Folding Table | fold-up table; trestle table | collapsible bench | 120 cm; 180 cm | seats six and stores flat; sets up in seconds
Bookcase | bookshelf; book shelf | library cabinet | 3-Shelf; 5-Shelf | holds a heavy row without sagging; fixes safely to the wall
Armchair | reading chair; lounge chair | recliner | Low; Wing | invites you to stay another hour; comes with a washable cover
# Kitchen | dailyware cuivrel bambuora* copperleigh steamix
## Cookware | cookware; pots and pans | ovenware
= cast iron; stainless steel; enamel; aluminium | non-stick; oven-safe; dishwasher safe; induction-ready
Frying Pan | skillet; non-stick pan | saute | 20 cm; 24 cm; 28 cm | browns evenly from edge to edge; lets an omelette slide out
Saucepan | cooking pot; milk pan | stockpot | 1.5 L; 2 L; 3 L | pours without a drip; simmers without catching
Cake Tin | baking tin; cake pan | springform | 20 cm; 23 cm; 26 cm | releases a sponge in one piece; bakes to an even crumb
Casserole Dish | oven dish; stew pot | cocotte | 2.5 L; 4 L; 5 L | goes from hob to oven to table; keeps a stew hot for an hour
## Small Appliances | kitchen appliances; small appliances | countertop gadgets
= stainless steel; glass; brushed aluminium; recycled plastic | energy saving; compact; cordless; programmable
Kettle | electric kettle; tea kettle | boiler | 1 L; 1.7 L | boils two cups in a minute; pours without splashing
Toaster | bread toaster; two slice toaster | crumpet griller | 2-Slice; 4-Slice | browns both sides alike; takes thick slices
Hand Blender | stick blender; hand mixer | liquidiser | 600 W; 800 W | turns soup smooth in the pot; comes apart for rinsing
Coffee Maker | coffee machine; filter coffee machine | percolator | 4-Cup; 10-Cup | brews a full pot by the alarm; holds its heat in a steel jug
## Tableware | tableware; table setting | crockery
= stoneware; porcelain; glass; stainless steel | dishwasher safe; handmade; stackable; shatterproof
Dinner Plate Set | dinner plates; plate set | platters | Set of 4; Set of 6 | brings colour to an everyday table; resists chips and scratches
Wine Glasses | red wine glasses; stemware | goblets | Set of 2; Set of 4; Set of 6 | lets a wine breathe; rings when you raise a toast
Mug | coffee mug; tea mug | beaker | 300 ml; 400 ml | keeps tea warm to the last sip; sits well in the hand
Cutlery Set | knife and fork set; flatware | silverware | 16-Piece; 24-Piece | feels balanced in the hand; keeps its shine
## Food Storage | food storage; food containers | pantry organising
= borosilicate glass; stainless steel; bamboo; bpa-free plastic | leakproof; airtight; insulated; stackable
Lunch Box | bento box; sandwich box | tiffin | 1-Tier; 2-Tier; 3-Tier | keeps dressing away from the bread; fits a shoulder bag
Vacuum Flask | hot drinks flask; insulated bottle | thermal carafe | 350 ml; 500 ml; 1 L | keeps soup hot until evening; shuts tight in any bag
Storage Jar | glass jar; kitchen jar | canister | 500 ml; 1 L; Set of 3 | shows what is left at a glance; keeps flour and rice fresh
Picnic Basket | picnic hamper; cool basket | wicker carrier | 2-Person; 4-Person | holds plates, glasses and lunch; keeps cold food cold
## Kitchen Tools | kitchen tools; kitchen utensils | cook's implements
= high-carbon steel; beech; bamboo; silicone | dishwasher safe; non-slip; compact; digital
Chef Knife | kitchen knife; cooks knife | santoku blade | 15 cm; 20 cm | slices tomatoes without a squash; holds its edge for months
Chopping Board | cutting board; bread board | butcher block | Small; Medium; Large | is kind to knives; catches juice in a groove
Mixing Bowl | baking bowl; salad bowl | basin | 2 L; 4 L; Set of 3 | stands still while you whisk; nests inside its sisters
Kitchen Scale | food scale; digital scales | balance | 5 kg; 10 kg | weighs to the gram; sets to zero with a tap
# Baby & Kids | tinybarn petitoile* cloverling nannywick boppalo
## Nursery | nursery; baby room | newborn essentials
= beech; organic cotton; felt; recycled plastic | adjustable; non-toxic; machine washable; portable
Cot | baby cot; baby bed | crib | 60 x 120 cm; 70 x 140 cm | lowers as the child grows; rolls from room to room
Baby Monitor | baby phone; video baby monitor | babycam | Audio; Video | carries every sigh to the next room; stays connected through thick walls
Changing Mat | changing pad; nappy changing mat | changer | Foldaway; Wedge | wipes clean in a second; keeps a wriggling baby in the middle
Cot Mobile | baby mobile; musical mobile | dangler | Musical; Silent | turns slowly and hums a lullaby; clamps firmly to the rail
## Feeding | baby feeding; feeding time | weaning
= silicone; borosilicate glass; organic cotton; beech | leakproof; non-toxic; dishwasher safe; wipe clean
Baby Bottle | feeding bottle; milk bottle | nurser | 160 ml; 260 ml; Set of 3 | lets milk flow slowly; comes apart for washing
Bottle Steriliser | steam steriliser; bottle warmer | sanitiser | Electric; Microwave | makes six bottles safe in eight minutes; keeps them clean until needed
High Chair | baby high chair; feeding chair | booster | Foldaway; 2-in-1 | grows from first spoon to family table; folds against the wall
Bib Set | baby bibs; feeding bibs | dribble catcher | Set of 3; Set of 5 | catches what misses the mouth; rinses clean under the tap
## Baby Care | baby care; baby hygiene | infant toiletries
= organic cotton; bamboo fibre; plant-based pulp; recycled plastic | hypoallergenic; fragrance-free; biodegradable; dermatologist tested
Nappies | baby nappies; disposable nappies | diapers | Size 1, 44 Pack; Size 2, 40 Pack; Size 3, 36 Pack | stays dry for twelve hours; hugs without marks
Baby Wipes | wet wipes; cleansing wipes | towelettes | 4 x 60; 8 x 60; 12 x 60 | cleans gently with water and little else; pulls out one at a time
Baby Bath | bath tub for babies; newborn bath | bathtime support | Foldaway; With Stand | holds a newborn at the right angle; drains through a plug
Baby Lotion | baby cream; nappy cream | emollient | 100 ml; 250 ml | soothes dry skin; sinks in without a film
## Toys | toys; kids toys | playthings
= beech; organic cotton; felt; recycled plastic | non-toxic; handmade; machine washable; educational
Building Blocks | toy bricks; stacking blocks | construction set | 40-Piece; 80-Piece; 120-Piece | clicks together for small hands; builds towers and fortresses
Soft Toy | teddy bear; cuddly toy | plushie | Small; Medium; Large | is made to be hugged for years; survives the washing machine
Wooden Train | toy train; train set | railway | 20-Piece; 40-Piece | couples with magnets; runs over bridges and round bends
Shape Sorter | sorting toy; shape puzzle | pegboard | 8-Shape; 12-Shape | teaches circle from square; rattles happily when full
## School | school supplies; back to school | classroom
= recycled paper; recycled polyester; canvas; cedar | lightweight; reflective; non-toxic; washable
School Bag | school backpack; satchel | bookbag | 12 L; 18 L; 24 L | carries folders without creasing them; shines in headlights
Pencil Case | pen case; pencil pouch | scholar roll | Single; Double | opens flat on the desk; keeps sharp ends to themselves
Exercise Books | school notebooks; lined books | jotters | Pack of 5; Pack of 10 | takes ink without bleeding through; lies flat when open
Crayons | colouring pencils; wax crayons | pastels | 12 Colours; 24 Colours | lays down bright colour; does not snap under a fist
# Electronics & Office | voltique sonarre greencell* halberd nexolo
## Audio | audio; sound gear | hifi
= anodised aluminium; memory foam; woven fabric; recycled plastic | wireless; noise cancelling; rechargeable; water-resistant
Headphones | over-ear headphones; wireless headphones | headset | On-Ear; Over-Ear | shuts out the train and the office; plays for thirty hours
Portable Speaker | bluetooth speaker; wireless speaker | boombox | 10 W; 20 W; 40 W | fills a garden with sound; floats if it falls in
Earbuds | in-ear headphones; wireless earbuds | earphones | S/M/L Tips; Sport Fit | stays in on a run; charges in its case
Microphone | usb microphone; studio mic | condenser | USB; XLR | makes a voice sound close and warm; stands on its own tripod
## Computing | computer accessories; pc accessories | peripherals
= anodised aluminium; recycled plastic; bamboo; tempered glass | wireless; ergonomic; rechargeable; compact
Keyboard | computer keyboard; wireless keyboard | keypad | Full Size; Tenkeyless | types quietly in a shared room; pairs with three devices
Mouse | computer mouse; wireless mouse | trackball | Left & Right; Vertical | glides on any table; rests the wrist
Monitor Stand | screen riser; laptop stand | plinth | Single; Dual | lifts the screen to eye level; hides the clutter below
Webcam | usb webcam; video call camera | streaming cam | 1080p; 1440p | shows a clear picture in poor light; has a shutter for privacy
## Power | chargers; charging accessories | electrics
= braided nylon; aluminium; recycled plastic; silicone | rechargeable; compact; fast charging; surge protected
Power Bank | portable charger; battery pack | accumulator | 5,000 mAh; 10,000 mAh; 20,000 mAh | charges a phone three times over; slips into a pocket
Charging Cable | usb cable; phone cable | cord | 1 m; 2 m; 3 m | bends ten thousand times; charges at full speed
Extension Lead | power strip; extension cable | multiplug | 3-Way, 2 m; 4-Way, 3 m; 6-Way, 5 m | brings sockets to the desk; switches each plug by itself
Travel Adapter | plug adapter; world adapter | converter | Worldwide; UK to EU | works in a hundred and fifty countries; charges two phones beside the plug
## Stationery | stationery; office supplies | writing materials
= recycled paper; cork; brass; bamboo | refillable; magnetic; hardcover; compact
Notebook | writing notebook; journal | diary | A5; A6; B5 | lies open by itself; takes a fountain pen without bleeding
Pen Set | ballpoint pens; gel pens | rollerballs | Set of 3; Set of 6; Set of 10 | writes from the first stroke; clips to a shirt pocket
Desk Organiser | desk tidy; pen holder | caddy | 3-Compartment; 5-Compartment | gives every clip a home; keeps the desk clear
Whiteboard | dry erase board; wall whiteboard | marker panel | 60 x 45 cm; 90 x 60 cm | wipes clean without ghosts; hangs upright or across
## Smart Home | smart home; home automation | connected living
= recycled plastic; tempered glass; aluminium; ceramic | wireless; energy saving; programmable; voice controlled
Smart Bulb | wifi light bulb; colour bulb | filament globe | E14; E27; GU10 | changes colour at a word; fades in with the alarm
Smart Plug | wifi plug; timer plug | switchable outlet | Single; Set of 2; Set of 4 | tells what a lamp costs to run; switches off from anywhere
Security Camera | home camera; wifi camera | surveillance | Indoor; Outdoor | tells a cat from a caller; sees in the dark
Thermostat | smart thermostat; heating control | radiator regulator | Wall; Radiator | learns when you are home; lowers the heating bill
# Garden & DIY | diggerton flintmoor sprigwell barrowby toolero*
## Gardening | gardening; garden tools | horticulture
= forged steel; ash; galvanised steel; recycled plastic | rust-proof; lightweight; ergonomic; long-handled
Spade | garden spade; digging spade | shovel | Border; Full Size | cuts through roots and clay; takes a boot without bending
Pruning Shears | secateurs; garden shears | loppers | 18 cm; 21 cm | snips a thumb-thick branch; springs open again
Garden Hose | hose pipe; water hose | tubing | 10 m; 20 m; 30 m | unrolls without a kink; reaches the last bed
Watering Can | plant watering can; garden can | sprinkler | 1.5 L; 5 L; 10 L | pours as softly as rain; balances when full
## Plants & Seeds | plants and seeds; planting | greenery
= terracotta; peat-free compost; recycled paper; galvanised steel | organic; biodegradable; frost-proof; self-watering
Herb Seeds | basil seeds; seed set | sowing kit | 6 Kinds; 10 Kinds | sprouts on a window sill; tells you when to sow
Flower Bulbs | tulip bulbs; spring bulbs | daffodils | Pack of 20; Pack of 40 | comes up every spring; flowers for six weeks
Plant Pot | flower pot; planter | jardiniere | 12 cm; 18 cm; 25 cm | drains into its own saucer; suits a fern or a fig
Compost | potting soil; plant compost | humus | 10 L; 20 L; 40 L | feeds roots for three months; stays airy when wet
## Power Tools | power tools; diy tools | workshop machines
= forged steel; magnesium alloy; rubberised grip; recycled plastic | cordless; rechargeable; variable speed; low vibration
Cordless Drill | drill driver; battery drill | borer | 12 V; 18 V | bores into brick and oak; lasts through a whole wardrobe
Sander | orbital sander; sanding machine | polisher | 125 mm; 150 mm | leaves old paint smooth; swallows its own dust
Jigsaw | electric saw; curve saw | fretsaw | 500 W; 700 W | follows a pencil line round corners; changes blades without a key
Screwdriver Set | screwdrivers; tool set | hex drivers | 6-Piece; 12-Piece; 32-Piece | fits every screw in the house; holds the screw for you
## Painting | painting supplies; decorating supplies | redecoration
= microfibre; natural bristle; water-based acrylic; recycled paper | low odour; washable; quick-dry; solvent-free
Wall Paint | emulsion paint; interior paint | whitewash | 1 L; 2.5 L; 5 L | covers in a single coat; dries in an hour
Paint Roller | roller set; paint roller kit | nap sleeve | 10 cm; 23 cm | leaves no lines; reaches the ceiling on its pole
Masking Tape | painters tape; decorators tape | edging tape | 25 mm x 50 m; 38 mm x 50 m | gives a sharp edge; peels away without a trace
Dust Sheet | paint cover sheet; drop cloth | tarpaulin | 3 x 4 m; 4 x 5 m | keeps splashes off the floor; covers a whole sofa
## Outdoor Living | garden furniture; patio furniture | terrace lounging
= acacia; powder-coated steel; recycled polyester; cast iron | weatherproof; folding; stackable; rust-proof
Barbecue | bbq grill; charcoal grill | brazier | Tabletop; Kettle; 3-Burner | sears and smokes on one grate; lights in a quarter of an hour
Garden Chair | patio chair; outdoor chair | deckchair | Single; Set of 2; Set of 4 | stays out all summer; folds flat for winter
Parasol | garden umbrella; sun umbrella | sunshade | 2 m; 2.7 m; 3 m | casts a wide shade; tilts with the afternoon
Fire Pit | garden fire bowl; outdoor fireplace | chiminea | 45 cm; 60 cm | warms a circle of chairs; burns with little smoke
# Health & Sport | fitpenny* serenelle puravelle grovesend kinetiq
## Skin Care | skin care; face care | cosmetics
= aloe vera; shea butter; jojoba oil; oat milk | fragrance-free; vegan; dermatologist tested; water-resistant
Sunscreen | sun cream; sun lotion | sunblock | SPF 30, 150 ml; SPF 50, 150 ml | sinks in without a white film; lasts through a swim
Moisturiser | face cream; day cream | hydrator | 50 ml; 100 ml | keeps skin supple all day; feels weightless
Face Mask | clay mask; sheet mask | facial | 75 ml; Pack of 5 | draws the day out of tired skin; rinses off with warm water
Lip Balm | lip care; lip butter | lip salve | 5 g; Set of 3 | mends lips in wind and frost; shines only a little
## Hair Care | hair care; hair products | salon products
= argan oil; coconut oil; boar bristle; ceramic | vegan; fragrance-free; frizz control; refillable
Shampoo | hair shampoo; gentle shampoo | hairwash | 250 ml; 400 ml; Solid Bar | foams softly and rinses clean; leaves hair light
Hair Dryer | hairdryer; ionic dryer | blower | 1,800 W; 2,200 W | dries long hair in five minutes; hums instead of roaring
Hairbrush | detangling brush; paddle brush | comb | Round; Paddle | glides through knots; tidies in a few strokes
Conditioner | hair conditioner; hair balm | detangler | 250 ml; 400 ml | makes dry ends soft; lets a comb pass
## Fitness | fitness; gym equipment | workout
= natural rubber; cast iron; cork; neoprene | non-slip; adjustable; portable; sweat-proof
Yoga Mat | exercise mat; pilates mat | asana pad | 4 mm; 6 mm; 8 mm | grips when hands get damp; cushions knees and elbows
Dumbbells | hand weights; weights set | barbells | 2 x 3 kg; 2 x 5 kg; 2 x 10 kg | stays put when set down; fits small and large hands
Resistance Bands | exercise bands; fitness bands | expander | Set of 3; Set of 5 | trains the whole body in a hotel room; steps up gently
Skipping Rope | jump rope; speed rope | jumping cord | 2.5 m; 3 m | turns without tangling; warms you up in three minutes
## First Aid | first aid; medicine cabinet | paramedic supplies
= cotton gauze; plant extracts; latex-free film; recycled plastic | sterile; water-resistant; compact; hypoallergenic
First Aid Kit | medical kit; emergency kit | rescue pouch | 40-Piece; 90-Piece | has the right dressing on top; hangs in the hall or the car
Plasters | adhesive plasters; sticking plasters | bandages | 20 Pack; 40 Pack | stays on through the washing-up; comes off without tears
Insect Repellent | mosquito spray; bug spray | deterrent | 50 ml; 100 ml | keeps midges away until midnight; smells of lemon and cedar
Thermometer | fever thermometer; ear thermometer | temperature probe | Ear; Forehead; Oral | reads in one second; glows green when all is well
## Wellness | wellness; relaxation | pampering
= lavender oil; dead sea salt; cork; soft-touch foam | rechargeable; scented; portable; vegan
Massage Gun | muscle massager; massager | kneader | 4 Heads; 6 Heads | loosens stiff shoulders; runs quietly enough for the sofa
Foam Roller | massage roller; fascia roller | myofascial | 30 cm; 45 cm | rolls the ache out of calves; is firm and never harsh
Aroma Diffuser | oil diffuser; essential oil diffuser | vaporiser | 150 ml; 300 ml | mists a room with scent; dims its light at night
Bath Salts | epsom salt; bath soak | foaming crystals | 500 g; 1 kg | turns a tub into an evening off; dissolves without a trace
# Food, Party & Pets | cornerchoice delmarque* earthbasket goodwin zestora
## Coffee & Tea | coffee and tea; hot drinks | brews
= arabica beans; whole leaves; raw cocoa; oat milk powder | organic; fair trade; decaffeinated; resealable
Ground Coffee | filter coffee; coffee beans | espresso roast | 250 g; 500 g; 1 kg | tastes of nuts and dark toffee; suits filter and press
Herbal Tea | mint tea; camomile tea | tisane | 20 Bags; 50 Bags | calms the end of a day; smells of a summer meadow
Hot Chocolate | cocoa; drinking chocolate | ganache | 250 g; 500 g | melts into warm milk; is sweet but not too sweet
Instant Coffee | coffee sachets; soluble coffee | granules | 100 g; 200 g; 25 Sachets | needs only hot water; keeps its aroma in the jar
## Snacks | snacks; nibbles | treats
= roasted nuts; dried fruit; single-origin cocoa; sea salt | organic; vegan; gluten-free; resealable
Trail Mix | nut mix; dried fruit mix | granola | 200 g; 500 g; 1 kg | gives slow energy on the move; balances salty and sweet
Crisps | potato crisps; salted crisps | chips | 150 g; 6 x 25 g | crunches loudly; is fried in small batches
Dark Chocolate | chocolate bar; cocoa chocolate | cacao slab | 100 g; 5 x 100 g | snaps cleanly and melts slowly; has a hint of orange
Popcorn | sweet popcorn; popping corn | kernels | 100 g; 3 x 90 g | pops light and crisp; fills two bowls
## Party | party supplies; party decorations | celebration
= recycled paper; natural latex; cotton; beeswax | biodegradable; reusable; compostable; handmade
Balloons | party balloons; birthday balloons | inflatables | Pack of 20; Pack of 50 | holds air until the last guest leaves; comes in matching shades
Paper Plates | party plates; disposable plates | picnicware | Pack of 20; Pack of 50 | does not soften under salad; goes on the compost after
Bunting | flag garland; party garland | pennants | 5 m; 10 m | cheers up a fence or a hall; packs away for next year
Birthday Candles | cake candles; number candles | sparklers | Pack of 12; Pack of 24 | stands straight in icing; burns without dripping
## Pets | pet supplies; pet care | animals
= organic cotton; sisal; recycled polyester; bentonite clay | machine washable; chew-proof; adjustable; odour control
Dog Bed | pet bed; puppy bed | kennel cushion | S; M; L | lets old joints rest; unzips for washing
Dog Lead | dog leash; puppy lead | harness | 1.2 m; 2 m; 5 m | is kind to the hand when they pull; clips on with one thumb
Cat Litter | kitty litter; clumping litter | sandbox granulate | 5 L; 10 L; 20 L | binds smells for a week; clumps so that scooping is quick
Scratching Post | cat tree; cat scratcher | clawing tower | 60 cm; 90 cm; 140 cm | saves the sofa; stands firm under a leap
## Cleaning | cleaning supplies; household cleaning | housekeeping
= plant-based soap; citrus oil; microfibre; recycled plastic | biodegradable; refillable; concentrated; fragrance-free
Laundry Detergent | washing powder; washing liquid | biological powder | 20 Washes; 40 Washes; 60 Washes | lifts stains at thirty degrees; is gentle on colours
Dish Soap | washing-up liquid; dishwashing soap | degreaser | 500 ml; 1 L | cuts through grease in cool water; is mild to hands
All-Purpose Cleaner | kitchen cleaner; surface spray | disinfectant | 500 ml; 750 ml | shines taps and tiles; leaves no streaks
Microfibre Cloths | cleaning cloths; dust cloths | dusters | Pack of 5; Pack of 10 | picks up dust without spray; washes again and again
"""

# Each occasion: what it makes people buy, most typical first. All of them cut across departments.
OCCASIONS = """
Camping trip | Tent; Sleeping Bag; Camp Stove; Lantern; Insect Repellent; Instant Coffee; Trail Mix; Power Bank; First Aid Kit
Music festival | Tent; Earbuds; Power Bank; Dry Bag; Baby Wipes; Crisps; Sunscreen; Plasters; Water Bottle
Long hike | Hiking Boots; Backpack; Trekking Poles; Water Bottle; Trail Mix; Plasters; Vacuum Flask; Lip Balm; Foam Roller
New baby | Nappies; Cot; Baby Bottle; Baby Monitor; Baby Wipes; Night Light; Baby Bath; Laundry Detergent; Thermometer
Starting solids | High Chair; Bib Set; Hand Blender; Baby Wipes; Storage Jar; Kitchen Scale; All-Purpose Cleaner; Dust Sheet; Bottle Steriliser
Toddler room | Building Blocks; Soft Toy; Night Light; Storage Box; Rug; Wall Paint; Shape Sorter; Wooden Train; Bookcase
First day at school | School Bag; Pencil Case; Lunch Box; Exercise Books; Crayons; Water Bottle; Desk Lamp; Plasters; Bike Helmet
Home office | Office Chair; Monitor Stand; Keyboard; Mouse; Webcam; Desk Lamp; Ground Coffee; Extension Lead; Desk Organiser
Student room | Saucepan; Extension Lead; Duvet; Laundry Basket; Mug; Notebook; Instant Coffee; Bookcase; Desk Organiser
Moving house | Storage Box; Screwdriver Set; All-Purpose Cleaner; Shelf Unit; Kettle; Microfibre Cloths; Smart Bulb; Masking Tape; Dinner Plate Set
Redecorating | Wall Paint; Paint Roller; Masking Tape; Dust Sheet; Picture Frame; Floor Lamp; Sander; Vase; Candle
Home repairs | Cordless Drill; Screwdriver Set; Jigsaw; Sander; Shelf Unit; Plasters; Extension Lead; Lantern; Bike Pump
Home gym | Dumbbells; Yoga Mat; Resistance Bands; Foam Roller; Earbuds; Water Bottle; Skipping Rope; Smart Plug; Massage Gun
Yoga at home | Yoga Mat; Herbal Tea; Aroma Diffuser; Candle; Portable Speaker; Resistance Bands; Bath Salts; Moisturiser; Trail Mix
Bike commute | Bike Helmet; Bike Light; Pannier Bag; Bike Pump; Lunch Box; Vacuum Flask; Backpack; Earbuds; Shampoo
Beach holiday | Sunscreen; Swim Goggles; Cabin Suitcase; Parasol; Dry Bag; Lip Balm; Paddle Board; Portable Speaker; Conditioner
Surf weekend | Wetsuit; Paddle Board; Dry Bag; Vacuum Flask; Sunscreen; Sleeping Bag; Hot Chocolate; Hairbrush; Camp Stove
Long flight | Travel Pillow; Cabin Suitcase; Packing Cubes; Travel Adapter; Headphones; Toiletry Bag; Lip Balm; Charging Cable; Face Mask
Birthday party | Balloons; Birthday Candles; Cake Tin; Bunting; Paper Plates; Crisps; Soft Toy; Mixing Bowl; Portable Speaker
Dinner party | Wine Glasses; Dinner Plate Set; Casserole Dish; Cutlery Set; Candle; Dark Chocolate; Chef Knife; Vase; Coffee Maker
Garden party | Barbecue; Garden Chair; String Lights; Paper Plates; Parasol; Picnic Basket; Insect Repellent; Bunting; Portable Speaker
Spring garden | Spade; Compost; Flower Bulbs; Plant Pot; Pruning Shears; Garden Hose; Herb Seeds; Watering Can; Sunscreen
Balcony herbs | Herb Seeds; Plant Pot; Watering Can; Compost; Folding Table; String Lights; Storage Jar; Garden Chair; Herbal Tea
New puppy | Dog Bed; Dog Lead; Microfibre Cloths; All-Purpose Cleaner; Security Camera; Hiking Boots; Rug; Laundry Basket; Garden Hose
New kitten | Cat Litter; Scratching Post; Soft Toy; Armchair; Security Camera; Plant Pot; Wardrobe Organiser; Rug; Dish Soap
Baking club | Mixing Bowl; Cake Tin; Kitchen Scale; Storage Jar; Birthday Candles; Dark Chocolate; Hand Blender; Dish Soap; Notebook
Coffee corner | Ground Coffee; Coffee Maker; Mug; Kettle; Dark Chocolate; Smart Plug; Shelf Unit; Hot Chocolate; Toaster
Movie night | Popcorn; Smart Bulb; Portable Speaker; Armchair; Hot Chocolate; Duvet; Crisps; Floor Lamp; Charging Cable
Spa evening | Bath Salts; Face Mask; Candle; Hair Dryer; Aroma Diffuser; Moisturiser; Shampoo; Conditioner; Herbal Tea
Podcast studio | Microphone; Headphones; Webcam; Whiteboard; Pen Set; Notebook; Rug; Charging Cable; Monitor Stand
"""

# Line names that tell one item of a type and brand from the next.
LINES = (
    "Alder Amber Anchor Arbour Aspen Aster Atlas Aurora Basalt Beacon Birch Bluff Boreal Bramble Breeze Briar Brook "
    "Calla Cedar Chalk Cinder Clove Cobble Comet Coral Crest Cricket Dale Delta Drift Dune Ember Fable Fern Finch "
    "Fjord Flint Forge Gale Glade Glen Grove Harbour Haven Hazel Heath Heron Holly Indigo Iris Isle Ivy Juniper Kestrel "
    "Lark Laurel Linden Lotus Lumen Maple Marina Marlow Meadow Mesa Mistral Moor Myrtle Nectar Nimbus Nova Oasis Ochre "
    "Olive Onyx Orbit Orchard Osprey Otter Pebble Pepper Petal Pine Plume Poppy Prairie Quarry Quill Rapid Raven Reed "
    "Ridge River Robin Rowan Saffron Sage Sierra Slate Solace Sorrel Sparrow Spruce Summit Swift Tarn Teal Thistle "
    "Timber Topaz Tundra Umber Vale Velvet Verve Vista Willow Wren Yarrow Zephyr Zinnia"
).split()

COLOURS = (
    "Forest Green",
    "Slate Grey",
    "Midnight Blue",
    "Sand",
    "Charcoal",
    "Ivory",
    "Terracotta",
    "Sky Blue",
    "Mustard",
    "Olive",
    "Burgundy",
    "Black",
    "White",
    "Coral",
    "Lavender",
    "Petrol",
)


class ProductType(NamedTuple):
    """One of the leaves of the category tree, with the words its items are described by."""

    name: str
    department: str
    category: str
    queries: tuple[str, ...]  # typed at any time; the first is the name
    held_back: str  # typed in test events only
    category_queries: tuple[str, ...]
    category_held_back: str
    sizes: tuple[str, ...]
    uses: tuple[str, ...]
    materials: tuple[str, ...]
    features: tuple[str, ...]
    brands: tuple[str, ...]  # one per style, in the order of STYLES
    quiet_brand: str  # typed in test events only


class Occasion(NamedTuple):
    """A reason to shop: names of product types, most typical first."""

    name: str
    types: tuple[str, ...]


def read_catalogue() -> list[ProductType]:
    """The 160 product types of ``CATALOGUE``, in its order (four per category, five categories per department)."""
    types: list[ProductType] = []
    department, category, quiet = "", "", ""
    brands: tuple[str, ...] = ()
    category_words: tuple[tuple[str, ...], str] = ((), "")
    materials: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    for line in CATALOGUE.strip().splitlines():
        if line.startswith("## "):
            category, queries, held_back = _cells(line[3:])
            category_words = (_words(queries), held_back)
        elif line.startswith("# "):
            department, names = _cells(line[2:])
            quiet = next(name.rstrip("*") for name in names.split() if name.endswith("*"))
            brands = tuple(name.rstrip("*") for name in names.split())
        elif line.startswith("= "):
            materials, features = (_words(cell) for cell in _cells(line[2:]))
        else:
            name, queries, held_back, sizes, uses = _cells(line)
            types.append(
                ProductType(
                    name,
                    department,
                    category,
                    (name.lower(), *_words(queries)),
                    held_back,
                    *category_words,
                    _words(sizes),
                    _words(uses),
                    materials,
                    features,
                    brands,
                    quiet,
                )
            )
    return types


def read_occasions() -> list[Occasion]:
    """The 30 occasions of ``OCCASIONS``, in their order."""
    return [Occasion(name, _words(types)) for name, types in map(_cells, OCCASIONS.strip().splitlines())]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split(";"))
