# ruff: noqa: E501 - the tables are data, one product per line
"""The words of the corner shop: departments, product types, synonyms, brands, occasions. Data and its parser only.

Everything here was written for this project; the brands are invented. This module does not know who buys what: the
occasions are lists of product types, and how often each is bought is decided in ``corner_shop``.

How to read ``CATALOGUE``::

    # Department | five brands, one per house style (* typed in tests only) | training queries | query held back
    ## Category | training queries | query held back for the test events
    = materials | features
    Type name | further training queries | query held back | sizes | what it is good for

A query held back is typed in test events only. It stands in descriptions, so a model that reads text can learn it.
"""

from __future__ import annotations

from typing import NamedTuple

# The house styles: training queries, and the query held back. Each brand has one; every shopper leans to one.
STYLES = {
    "value": (("budget", "bargain"), "thrifty"),
    "premium": (("luxury", "premium"), "upmarket"),
    "eco": (("eco friendly", "sustainable"), "low waste"),
    "classic": (("classic", "traditional"), "timeless"),
    "modern": (("modern", "contemporary"), "cutting edge"),
}

CATALOGUE = """
# Outdoor & Travel | tarnbeck norrvik fernhollow stagmoor veltrek* | outdoor and travel; adventure | expedition
## Camping | camping gear; camping equipment | campsite kit
Tent | camping tent; dome tent | shelter | 2-Person; 3-Person; 4-Person | keeps rain and wind out all night; pitches in under ten minutes | ripstop nylon; canvas; recycled polyester | lightweight; waterproof; windproof
Sleeping Bag | mummy sleeping bag | bedroll | 3-Season; Summer; Winter | holds its warmth on cold nights; packs down to the size of a loaf | ripstop nylon; recycled polyester; goose down | lightweight; quick-dry; breathable
Camp Stove | gas stove; camping cooker | burner | 1-Ring; 2-Ring | boils a litre of water in four minutes; stays steady on uneven ground | aluminium; stainless steel; brass | lightweight; folding; windproof
Lantern | camping lantern; tent light | hurricane lamp | 200 Lumen; 400 Lumen | throws an even, warm light; runs for thirty hours on one charge | aluminium; recycled plastic; tempered glass | lightweight; waterproof; rechargeable
## Hiking | hiking gear; walking equipment | rambling kit
Backpack | rucksack; hiking backpack | daypack | 20 L; 30 L; 45 L | sits close to the back and carries evenly; has room for a full day out | ripstop nylon; canvas; recycled polyester | lightweight; waterproof; adjustable
Trekking Poles | walking poles; hiking sticks | staffs | Pair, 110 cm; Pair, 130 cm | takes the strain off the knees downhill; locks firmly at any length | carbon fibre; aluminium; bamboo | lightweight; folding; adjustable
Hiking Boots | walking boots; mountain boots | trail footwear | Mid Cut; High Cut | grips wet rock and loose gravel; supports the ankle on long descents | leather; mesh; recycled polyester | waterproof; breathable; lightweight
Water Bottle | drinking bottle; sports bottle | canteen | 500 ml; 750 ml; 1 L | never leaks in a bag; opens with one hand | stainless steel; BPA-free plastic; borosilicate glass | leakproof; insulated; lightweight
## Cycling | cycling gear; bike accessories | cyclist kit
Bike Helmet | cycle helmet; bicycle helmet | crash hat | S; M; L | fits snugly with a turn of the dial; lets air flow on hot days | moulded foam; recycled plastic; polycarbonate | adjustable; reflective; lightweight
Bike Light | bicycle light; cycle lights | headlamp | Front; Rear; Set of 2 | is seen from half a mile away; clips on without tools | aluminium; silicone; recycled plastic | rechargeable; waterproof; compact
Pannier Bag | bike pannier; bicycle bag | saddlebag | 15 L; 20 L | hooks onto any rack in a second; keeps papers dry in a downpour | recycled polyester; canvas; coated tarpaulin | waterproof; reflective; adjustable
Bike Pump | tyre pump; cycle pump | inflator | Mini; Floor | fills a flat tyre in a minute; fits every common valve | aluminium; forged steel; carbon fibre | compact; lightweight; portable
## Water Sports | water sports gear; swim equipment | aquatic kit
Swim Goggles | swimming goggles; pool goggles | eyewear | Junior; Adult | seals softly around the eyes; does not fog over | silicone; polycarbonate; natural rubber | adjustable; anti-fog; lightweight
Dry Bag | waterproof bag; roll-top bag | barrel sack | 5 L; 10 L; 20 L | keeps everything dry when it floats; closes with three rolls | coated tarpaulin; ripstop nylon; recycled polyester | waterproof; lightweight; folding
Paddle Board | stand up paddle board; sup board | paddleboarding deck | 9 ft; 10 ft; 11 ft | stays stable for first timers; packs into its own rucksack | drop-stitch fabric; bamboo; moulded foam | inflatable; lightweight; non-slip
Wetsuit | surf suit; swim wetsuit | steamer | Shorty; Full | keeps the chill out of the sea; stretches where you need it | neoprene; natural rubber; recycled polyester | quick-dry; flexible; insulated
## Luggage | luggage; travel bags | baggage
Cabin Suitcase | carry-on suitcase; hand luggage case | trolley | 30 L; 36 L; 40 L | rolls quietly on four wheels; fits the cabin limits of most airlines | polycarbonate; aluminium; recycled plastic | lightweight; lockable; water-resistant
Packing Cubes | suitcase organisers; packing bags | compression pouches | Set of 3; Set of 6 | keeps shirts flat and socks in their place; squeezes a week into half a case | recycled polyester; mesh; ripstop nylon | lightweight; washable; water-resistant
Travel Pillow | neck pillow; plane pillow | headrest | U-Shape; Wrap | holds the head upright while you doze; washes at forty degrees | memory foam; cotton; bamboo fibre | washable; portable; adjustable
Toiletry Bag | wash bag; travel wash bag | dopp pouch | Small; Large; Hanging | hangs from any hook; holds a full set of bottles upright | canvas; leather; recycled polyester | water-resistant; portable; folding
# Home & Furniture | plainstead aurelle mosswick oldenbury* kubrisk | home and furniture; for the home | domestic
## Bedding | bedding; bed linen | bedclothes
Duvet | quilt; double duvet | comforter | Single; Double; King | keeps an even warmth until morning; feels light rather than heavy | goose down; cotton; bamboo fibre; wool | breathable; hypoallergenic; washable
Pillow | bed pillow; sleeping pillow | bolster | Soft; Medium; Firm | springs back every morning; cradles neck and shoulders | memory foam; goose down; cotton | breathable; hypoallergenic; washable
Mattress Topper | mattress pad; bed topper | underlay | Single; Double; King | makes a hard bed kind; stays put with corner straps | memory foam; natural latex; wool | breathable; hypoallergenic; quilted
Bed Sheet Set | fitted sheets; bed sheets | coverlets | Single; Double; King | stays crisp after many washes; fits deep mattresses | cotton; linen; bamboo fibre | breathable; washable; crease-free
## Lighting | lighting; lamps | luminaires
Desk Lamp | reading lamp; table lamp | study light | LED; E14 | lights the page and not the room; bends to where you need it | brass; powder-coated steel; bamboo | dimmable; energy saving; adjustable
Floor Lamp | standing lamp; corner lamp | uplighter | 150 cm; 170 cm | fills a dark corner with soft light; stands on a heavy base | brass; oak; powder-coated steel; linen | dimmable; energy saving; adjustable
String Lights | fairy lights; garden lights | festoon | 5 m; 10 m; 20 m | twinkles indoors and out; loops along a fence in minutes | copper wire; recycled plastic; rattan | energy saving; waterproof; dimmable
Night Light | bedside night light; plug-in night light | glowlight | Plug-In; Portable | glows gently until dawn; switches itself on at dusk | recycled plastic; silicone; beech | energy saving; rechargeable; dimmable
## Storage | home storage; storage solutions | declutter
Storage Box | storage bin; plastic box with lid | crate | 15 L; 30 L; 60 L | stacks neatly in the loft; shuts with a firm click | recycled plastic; bamboo; felt | stackable; folding; wipe clean
Shelf Unit | shelving unit; storage shelves | rack | 3-Tier; 4-Tier; 5-Tier | carries forty kilos a shelf; goes up without tools | bamboo; powder-coated steel; oak | space saving; stackable; adjustable
Wardrobe Organiser | closet organiser; hanging shelves | dividers | 4-Shelf; 6-Shelf | brings order to jumpers and scarves; hangs from the rail you have | felt; canvas; recycled polyester | folding; space saving; washable
Laundry Basket | laundry hamper; washing basket | dirty clothes bin | 40 L; 60 L | hides a week of washing; lifts out by two handles | woven seagrass; bamboo; canvas | folding; space saving; wipe clean
## Decor | home decor; decorations | ornaments
Picture Frame | photo frame; wall frame | portrait mount | A4; 10 x 15 cm; 30 x 40 cm | sets off prints and certificates; hangs or stands | oak; brass; recycled plastic | handmade; vintage-style; shatterproof
Candle | scented candle; jar candle | votive | Small; Large; Set of 3 | burns cleanly for forty hours; scents a whole room | soy wax; beeswax; rapeseed wax | handmade; scented; refillable
Rug | floor rug; area rug | carpet | 80 x 150 cm; 120 x 170 cm; 160 x 230 cm | softens a bare floor; stays flat at the corners | jute; wool; cotton; recycled polyester | handmade; stain-resistant; washable
Vase | flower vase; table vase | urn | 18 cm; 25 cm; 32 cm | shows off a single stem or a whole bunch; stands firm on a sill | ceramic; glass; stoneware | handmade; vintage-style; dishwasher safe
## Furniture | furniture; room furniture | furnishings
Office Chair | desk chair; swivel chair | task seat | Mid Back; High Back | supports the back through a long day; rolls without marking the floor | mesh; leather; woven fabric | ergonomic; adjustable; space saving
Folding Table | fold-up table; trestle table | collapsible bench | 120 cm; 180 cm | seats six and stores flat; sets up in seconds | birch plywood; powder-coated steel; recycled plastic | folding; space saving; portable
Bookcase | bookshelf; book shelf | library cabinet | 3-Shelf; 5-Shelf | holds a heavy row without sagging; fixes safely to the wall | oak; birch plywood; powder-coated steel | space saving; adjustable; handmade
Armchair | reading chair; lounge chair | recliner | Low; Wing | invites you to stay another hour; comes with a washable cover | woven fabric; leather; velvet | ergonomic; stain-resistant; vintage-style
# Kitchen | dailyware cuivrel bambuora* copperleigh steamix | kitchen; kitchenware | culinary
## Cookware | cookware; pots and pans | ovenware
Frying Pan | skillet; non-stick pan | saute | 20 cm; 24 cm; 28 cm | browns evenly from edge to edge; lets an omelette slide out | cast iron; stainless steel; aluminium | non-stick; induction-ready; oven-safe
Saucepan | cooking pot; milk pan | stockpot | 1.5 L; 2 L; 3 L | pours without a drip; simmers without catching | stainless steel; enamel; copper | induction-ready; dishwasher safe; non-stick
Cake Tin | baking tin; cake pan | springform | 20 cm; 23 cm; 26 cm | releases a sponge in one piece; bakes to an even crumb | aluminium; carbon steel; silicone | non-stick; oven-safe; dishwasher safe
Casserole Dish | oven dish; stew pot | cocotte | 2.5 L; 4 L; 5 L | goes from hob to oven to table; keeps a stew hot for an hour | cast iron; stoneware; enamel | oven-safe; dishwasher safe; induction-ready
## Small Appliances | kitchen appliances; small appliances | countertop gadgets
Kettle | electric kettle; tea kettle | boiler | 1 L; 1.7 L | boils two cups in a minute; pours without splashing | stainless steel; glass; brushed aluminium | energy saving; compact; cordless
Toaster | bread toaster; two slice toaster | crumpet griller | 2-Slice; 4-Slice | browns both sides alike; takes thick slices | stainless steel; brushed aluminium; recycled plastic | compact; energy saving; programmable
Hand Blender | stick blender; hand mixer | liquidiser | 600 W; 800 W | turns soup smooth in the pot; comes apart for rinsing | stainless steel; recycled plastic; brushed aluminium | cordless; compact; variable speed
Coffee Maker | coffee machine; filter coffee machine | percolator | 4-Cup; 10-Cup | brews a full pot by the alarm; holds its heat in a steel jug | stainless steel; glass; recycled plastic | programmable; compact; energy saving
## Tableware | tableware; table setting | crockery
Dinner Plate Set | dinner plates; plate set | platters | Set of 4; Set of 6 | brings colour to an everyday table; resists chips and scratches | stoneware; porcelain; bamboo | dishwasher safe; handmade; stackable
Wine Glasses | red wine glasses; stemware | goblets | Set of 2; Set of 4; Set of 6 | lets a wine breathe; rings when you raise a toast | crystal; glass; recycled glass | dishwasher safe; handmade; shatterproof
Mug | coffee mug; tea mug | beaker | 300 ml; 400 ml | keeps tea warm to the last sip; sits well in the hand | stoneware; porcelain; enamel | dishwasher safe; handmade; stackable
Cutlery Set | knife and fork set; flatware | silverware | 16-Piece; 24-Piece | feels balanced in the hand; keeps its shine | stainless steel; brass; beech | dishwasher safe; vintage-style; rust-proof
## Food Storage | food storage; food containers | pantry organising
Lunch Box | bento box; sandwich box | tiffin | 1-Tier; 2-Tier; 3-Tier | keeps dressing away from the bread; fits a shoulder bag | stainless steel; bamboo; BPA-free plastic | leakproof; stackable; insulated
Vacuum Flask | hot drinks flask; insulated bottle | thermal carafe | 350 ml; 500 ml; 1 L | keeps soup hot until evening; shuts tight in any bag | stainless steel; brushed aluminium; recycled steel | leakproof; insulated; lightweight
Storage Jar | glass jar; kitchen jar | canister | 500 ml; 1 L; Set of 3 | shows what is left at a glance; keeps flour and rice fresh | borosilicate glass; ceramic; recycled glass | airtight; stackable; dishwasher safe
Picnic Basket | picnic hamper; cool basket | wicker carrier | 2-Person; 4-Person | holds plates, glasses and lunch; keeps cold food cold | willow; bamboo; canvas | insulated; folding; handmade
## Kitchen Tools | kitchen tools; kitchen utensils | cook's implements
Chef Knife | kitchen knife; cooks knife | santoku blade | 15 cm; 20 cm | slices tomatoes without a squash; holds its edge for months | high-carbon steel; stainless steel; ceramic | non-slip; handmade; dishwasher safe
Chopping Board | cutting board; bread board | butcher block | Small; Medium; Large | is kind to knives; catches juice in a groove | beech; bamboo; recycled plastic | non-slip; dishwasher safe; compact
Mixing Bowl | baking bowl; salad bowl | basin | 2 L; 4 L; Set of 3 | stands still while you whisk; nests inside its sisters | stainless steel; stoneware; borosilicate glass | non-slip; dishwasher safe; stackable
Kitchen Scale | food scale; digital scales | balance | 5 kg; 10 kg | weighs to the gram; sets to zero with a tap | tempered glass; stainless steel; bamboo | digital; compact; rechargeable
# Baby & Kids | tinybarn petitoile* cloverling nannywick boppalo | baby and kids; for children | little ones
## Nursery | nursery; baby room | newborn essentials
Cot | baby cot; baby bed | crib | 60 x 120 cm; 70 x 140 cm | lowers as the child grows; rolls from room to room | beech; birch plywood; oak | adjustable; non-toxic; folding
Baby Monitor | baby phone; video baby monitor | babycam | Audio; Video | carries every sigh to the next room; stays connected through thick walls | recycled plastic; silicone; polycarbonate | rechargeable; portable; wireless
Changing Mat | changing pad; nappy changing mat | changer | Foldaway; Wedge | wipes clean in a second; keeps a wriggling baby in the middle | organic cotton; moulded foam; recycled polyester | wipe clean; folding; non-toxic
Cot Mobile | baby mobile; musical mobile | dangler | Musical; Silent | turns slowly and hums a lullaby; clamps firmly to the rail | felt; beech; organic cotton | handmade; non-toxic; washable
## Feeding | baby feeding; feeding time | weaning
Baby Bottle | feeding bottle; milk bottle | nurser | 160 ml; 260 ml; Set of 3 | lets milk flow slowly; comes apart for washing | borosilicate glass; BPA-free plastic; silicone | leakproof; non-toxic; dishwasher safe
Bottle Steriliser | steam steriliser; bottle warmer | sanitiser | Electric; Microwave | makes six bottles safe in eight minutes; keeps them clean until needed | BPA-free plastic; stainless steel; recycled plastic | compact; energy saving; programmable
High Chair | baby high chair; feeding chair | booster | Foldaway; 2-in-1 | grows from first spoon to family table; folds against the wall | beech; recycled plastic; powder-coated steel | adjustable; folding; wipe clean
Bib Set | baby bibs; feeding bibs | dribble catcher | Set of 3; Set of 5 | catches what misses the mouth; rinses clean under the tap | organic cotton; silicone; bamboo fibre | washable; wipe clean; non-toxic
## Baby Care | baby care; baby hygiene | infant toiletries
Nappies | baby nappies; disposable nappies | diapers | Size 1, 44 Pack; Size 2, 40 Pack; Size 3, 36 Pack | stays dry for twelve hours; hugs without marks | plant-based pulp; organic cotton; bamboo fibre | hypoallergenic; fragrance-free; biodegradable
Baby Wipes | wet wipes; cleansing wipes | towelettes | 4 x 60; 8 x 60; 12 x 60 | cleans gently with water and little else; pulls out one at a time | plant-based pulp; organic cotton; bamboo fibre | hypoallergenic; fragrance-free; biodegradable
Baby Bath | bath tub for babies; newborn bath | bathtime support | Foldaway; With Stand | holds a newborn at the right angle; drains through a plug | recycled plastic; BPA-free plastic; moulded foam | folding; non-slip; non-toxic
Baby Lotion | baby cream; nappy cream | emollient | 100 ml; 250 ml | soothes dry skin; sinks in without a film | oat milk; shea butter; aloe vera | hypoallergenic; fragrance-free; dermatologist tested
## Toys | toys; kids toys | playthings
Building Blocks | toy bricks; stacking blocks | construction set | 40-Piece; 80-Piece; 120-Piece | clicks together for small hands; builds towers and fortresses | beech; recycled plastic; cork | non-toxic; educational; handmade
Soft Toy | teddy bear; cuddly toy | plushie | Small; Medium; Large | is made to be hugged for years; survives the washing machine | organic cotton; felt; recycled polyester | washable; handmade; non-toxic
Wooden Train | toy train; train set | railway | 20-Piece; 40-Piece | couples with magnets; runs over bridges and round bends | beech; birch plywood; oak | non-toxic; educational; handmade
Shape Sorter | sorting toy; shape puzzle | pegboard | 8-Shape; 12-Shape | teaches circle from square; rattles happily when full | beech; recycled plastic; birch plywood | non-toxic; educational; handmade
## School | school supplies; back to school | classroom
School Bag | school backpack; satchel | bookbag | 12 L; 18 L; 24 L | carries folders without creasing them; shines in headlights | recycled polyester; canvas; coated tarpaulin | lightweight; reflective; adjustable
Pencil Case | pen case; pencil pouch | scholar roll | Single; Double | opens flat on the desk; keeps sharp ends to themselves | canvas; recycled polyester; leather | lightweight; washable; compact
Exercise Books | school notebooks; lined books | jotters | Pack of 5; Pack of 10 | takes ink without bleeding through; lies flat when open | recycled paper; stone paper; bamboo fibre | compact; lightweight; biodegradable
Crayons | colouring pencils; wax crayons | pastels | 12 Colours; 24 Colours | lays down bright colour; does not snap under a fist | beeswax; soy wax; cedar | non-toxic; washable; vegan
# Electronics & Office | voltique sonarre greencell* halberd nexolo | electronics; office and tech | gadgetry
## Audio | audio; sound gear | hifi
Headphones | over-ear headphones; wireless headphones | headset | On-Ear; Over-Ear | shuts out the train and the office; plays for thirty hours | memory foam; anodised aluminium; recycled plastic | wireless; noise cancelling; rechargeable
Portable Speaker | bluetooth speaker; wireless speaker | boombox | 10 W; 20 W; 40 W | fills a garden with sound; floats if it falls in | woven fabric; recycled plastic; bamboo | wireless; rechargeable; waterproof
Earbuds | in-ear headphones; wireless earbuds | earphones | S/M/L Tips; Sport Fit | stays in on a run; charges in its case | silicone; recycled plastic; anodised aluminium | wireless; noise cancelling; water-resistant
Microphone | usb microphone; studio mic | condenser | USB; XLR | makes a voice sound close and warm; stands on its own tripod | anodised aluminium; brass; forged steel | compact; noise cancelling; adjustable
## Computing | computer accessories; pc accessories | peripherals
Keyboard | computer keyboard; wireless keyboard | keypad | Full Size; Tenkeyless | types quietly in a shared room; pairs with three devices | anodised aluminium; recycled plastic; bamboo | wireless; ergonomic; rechargeable
Mouse | computer mouse; wireless mouse | trackball | Left or Right; Vertical | glides on any table; rests the wrist | anodised aluminium; recycled plastic; bamboo | wireless; ergonomic; rechargeable
Monitor Stand | screen riser; laptop stand | plinth | Single; Dual | lifts the screen to eye level; hides the clutter below | bamboo; anodised aluminium; tempered glass | adjustable; space saving; ergonomic
Webcam | usb webcam; video call camera | streaming cam | 1080p; 1440p | shows a clear picture in poor light; has a shutter for privacy | recycled plastic; anodised aluminium; polycarbonate | compact; adjustable; noise cancelling
## Power | chargers; charging accessories | electrics
Power Bank | portable charger; battery pack | accumulator | 5,000 mAh; 10,000 mAh; 20,000 mAh | charges a phone three times over; slips into a pocket | recycled plastic; anodised aluminium; silicone | compact; fast charging; rechargeable
Charging Cable | usb cable; phone cable | cord | 1 m; 2 m; 3 m | bends ten thousand times; charges at full speed | braided nylon; silicone; recycled plastic | fast charging; flexible; compact
Extension Lead | power strip; extension cable | multiplug | 3-Way, 2 m; 4-Way, 3 m; 6-Way, 5 m | brings sockets to the desk; switches each plug by itself | recycled plastic; braided nylon; polycarbonate | surge protected; space saving; energy saving
Travel Adapter | plug adapter; world adapter | converter | Worldwide; UK to EU | works in a hundred and fifty countries; charges two phones beside the plug | recycled plastic; polycarbonate; silicone | compact; fast charging; surge protected
## Stationery | stationery; office supplies | writing materials
Notebook | writing notebook; journal | diary | A5; A6; B5 | lies open by itself; takes a fountain pen without bleeding | recycled paper; cork; leather | refillable; hardcover; compact
Pen Set | ballpoint pens; gel pens | rollerballs | Set of 3; Set of 6; Set of 10 | writes from the first stroke; clips to a shirt pocket | brass; bamboo; recycled plastic | refillable; quick-dry; compact
Desk Organiser | desk tidy; pen holder | caddy | 3-Compartment; 5-Compartment | gives every clip a home; keeps the desk clear | bamboo; cork; recycled plastic | space saving; stackable; handmade
Whiteboard | dry erase board; wall whiteboard | marker panel | 60 x 45 cm; 90 x 60 cm | wipes clean without ghosts; hangs upright or across | tempered glass; enamel; birch plywood | magnetic; wipe clean; lightweight
## Smart Home | smart home; home automation | connected living
Smart Bulb | wifi light bulb; colour bulb | filament globe | E14; E27; GU10 | changes colour at a word; fades in with the alarm | recycled plastic; tempered glass; ceramic | dimmable; energy saving; voice controlled
Smart Plug | wifi plug; timer plug | switchable outlet | Single; Set of 2; Set of 4 | tells what a lamp costs to run; switches off from anywhere | recycled plastic; polycarbonate; ceramic | energy saving; voice controlled; programmable
Security Camera | home camera; wifi camera | surveillance | Indoor; Outdoor | tells a cat from a caller; sees in the dark | aluminium; recycled plastic; polycarbonate | wireless; rechargeable; weatherproof
Thermostat | smart thermostat; heating control | radiator regulator | Wall; Radiator | learns when you are home; lowers the heating bill | tempered glass; recycled plastic; brushed aluminium | programmable; energy saving; voice controlled
# Garden & DIY | diggerton flintmoor sprigwell barrowby toolero* | garden and diy; home improvement | handyman
## Gardening | gardening; garden tools | horticulture
Spade | garden spade; digging spade | shovel | Border; Full Size | cuts through roots and clay; takes a boot without bending | forged steel; stainless steel; ash | rust-proof; ergonomic; long-handled
Pruning Shears | secateurs; garden shears | loppers | 18 cm; 21 cm | snips a thumb-thick branch; springs open again | forged steel; high-carbon steel; stainless steel | rust-proof; ergonomic; lightweight
Garden Hose | hose pipe; water hose | tubing | 10 m; 20 m; 30 m | unrolls without a kink; reaches the last bed | recycled plastic; natural rubber; woven fabric | lightweight; flexible; frost-proof
Watering Can | plant watering can; garden can | sprinkler | 1.5 L; 5 L; 10 L | pours as softly as rain; balances when full | galvanised steel; recycled plastic; copper | rust-proof; lightweight; handmade
## Plants & Seeds | plants and seeds; planting | greenery
Herb Seeds | basil seeds; seed set | sowing kit | 6 Kinds; 10 Kinds | sprouts on a window sill; tells you when to sow | untreated seed; heirloom seed; hand-picked seed | organic; biodegradable; resealable
Flower Bulbs | tulip bulbs; spring bulbs | daffodils | Pack of 20; Pack of 40 | comes up every spring; flowers for six weeks | hand-picked bulbs; nursery stock; heirloom bulbs | organic; frost-proof; resealable
Plant Pot | flower pot; planter | jardiniere | 12 cm; 18 cm; 25 cm | drains into its own saucer; suits a fern or a fig | terracotta; ceramic; recycled plastic | frost-proof; self-watering; handmade
Compost | potting soil; plant compost | humus | 10 L; 20 L; 40 L | feeds roots for three months; stays airy when wet | bark and green waste; coconut fibre; leaf mould | organic; biodegradable; resealable
## Power Tools | power tools; diy tools | workshop machines
Cordless Drill | drill driver; battery drill | borer | 12 V; 18 V | bores into brick and oak; lasts through a whole wardrobe | magnesium alloy; recycled plastic; forged steel | cordless; rechargeable; variable speed
Sander | orbital sander; sanding machine | polisher | 125 mm; 150 mm | leaves old paint smooth; swallows its own dust | magnesium alloy; recycled plastic; forged steel | variable speed; low vibration; lightweight
Jigsaw | electric saw; curve saw | fretsaw | 500 W; 700 W | follows a pencil line round corners; changes blades without a key | magnesium alloy; recycled plastic; forged steel | variable speed; low vibration; cordless
Screwdriver Set | screwdrivers; tool set | hex drivers | 6-Piece; 12-Piece; 32-Piece | fits every screw in the house; holds the screw for you | high-carbon steel; forged steel; beech | magnetic; non-slip; compact
## Painting | painting supplies; decorating supplies | redecoration
Wall Paint | emulsion paint; interior paint | whitewash | 1 L; 2.5 L; 5 L | covers in a single coat; dries in an hour | water-based acrylic; chalk and lime; plant resin | low odour; washable; quick-dry
Paint Roller | roller set; paint roller kit | nap sleeve | 10 cm; 23 cm | leaves no lines; reaches the ceiling on its pole | microfibre; lambswool; recycled polyester | washable; lightweight; long-handled
Masking Tape | painters tape; decorators tape | edging tape | 25 mm x 50 m; 38 mm x 50 m | gives a sharp edge; peels away without a trace | rice paper; recycled paper; crepe paper | flexible; solvent-free; biodegradable
Dust Sheet | paint cover sheet; drop cloth | tarpaulin | 3 x 4 m; 4 x 5 m | keeps splashes off the floor; covers a whole sofa | cotton; recycled plastic; canvas | washable; waterproof; folding
## Outdoor Living | garden furniture; patio furniture | terrace lounging
Barbecue | bbq grill; charcoal grill | brazier | Tabletop; Kettle; 3-Burner | sears and smokes on one grate; lights in a quarter of an hour | cast iron; powder-coated steel; enamel | portable; rust-proof; weatherproof
Garden Chair | patio chair; outdoor chair | deckchair | Single; Set of 2; Set of 4 | stays out all summer; folds flat for winter | acacia; powder-coated steel; woven fabric | folding; stackable; weatherproof
Parasol | garden umbrella; sun umbrella | sunshade | 2 m; 2.7 m; 3 m | casts a wide shade; tilts with the afternoon | recycled polyester; acacia; aluminium | folding; adjustable; weatherproof
Fire Pit | garden fire bowl; outdoor fireplace | chiminea | 45 cm; 60 cm | warms a circle of chairs; burns with little smoke | cast iron; powder-coated steel; copper | portable; rust-proof; weatherproof
# Health & Sport | fitpenny* serenelle puravelle grovesend kinetiq | health and sport; beauty and fitness | wellbeing
## Skin Care | skin care; face care | cosmetics
Sunscreen | sun cream; sun lotion | sunblock | SPF 30, 150 ml; SPF 50, 150 ml | sinks in without a white film; lasts through a swim | aloe vera; jojoba oil; mineral filters | water-resistant; fragrance-free; vegan
Moisturiser | face cream; day cream | hydrator | 50 ml; 100 ml | keeps skin supple all day; feels weightless | shea butter; oat milk; aloe vera | fragrance-free; vegan; dermatologist tested
Face Mask | clay mask; sheet mask | facial | 75 ml; Pack of 5 | draws the day out of tired skin; rinses off with warm water | white clay; aloe vera; oat milk | fragrance-free; vegan; dermatologist tested
Lip Balm | lip care; lip butter | lip salve | 5 g; Set of 3 | mends lips in wind and frost; shines only a little | beeswax; shea butter; jojoba oil | fragrance-free; refillable; organic
## Hair Care | hair care; hair products | salon products
Shampoo | hair shampoo; gentle shampoo | hairwash | 250 ml; 400 ml; Solid Bar | foams softly and rinses clean; leaves hair light | argan oil; coconut oil; oat milk | vegan; fragrance-free; refillable
Hair Dryer | hairdryer; ionic dryer | blower | 1,800 W; 2,200 W | dries long hair in five minutes; hums instead of roaring | recycled plastic; ceramic; brushed aluminium | lightweight; folding; frizz control
Hairbrush | detangling brush; paddle brush | comb | Round; Paddle | glides through knots; tidies in a few strokes | boar bristle; bamboo; beech | handmade; lightweight; frizz control
Conditioner | hair conditioner; hair balm | detangler | 250 ml; 400 ml | makes dry ends soft; lets a comb pass | argan oil; coconut oil; shea butter | vegan; refillable; frizz control
## Fitness | fitness; gym equipment | workout
Yoga Mat | exercise mat; pilates mat | asana pad | 4 mm; 6 mm; 8 mm | grips when hands get damp; cushions knees and elbows | natural rubber; cork; recycled foam | non-slip; portable; sweat-proof
Dumbbells | hand weights; weights set | barbells | 2 x 3 kg; 2 x 5 kg; 2 x 10 kg | stays put when set down; fits small and large hands | cast iron; neoprene; stainless steel | non-slip; adjustable; rust-proof
Resistance Bands | exercise bands; fitness bands | expander | Set of 3; Set of 5 | trains the whole body in a hotel room; steps up gently | natural latex; woven fabric; natural rubber | portable; non-slip; adjustable
Skipping Rope | jump rope; speed rope | jumping cord | 2.5 m; 3 m | turns without tangling; warms you up in three minutes | steel wire; cotton; beech | portable; lightweight; adjustable
## First Aid | first aid; medicine cabinet | paramedic supplies
First Aid Kit | medical kit; emergency kit | rescue pouch | 40-Piece; 90-Piece | has the right dressing on top; hangs in the hall or the car | ripstop nylon; recycled plastic; cotton gauze | sterile; compact; water-resistant
Plasters | adhesive plasters; sticking plasters | bandages | 20 Pack; 40 Pack | stays on through the washing-up; comes off without tears | woven fabric; latex-free film; bamboo fibre | sterile; water-resistant; hypoallergenic
Insect Repellent | mosquito spray; bug spray | deterrent | 50 ml; 100 ml | keeps midges away until midnight; smells of lemon and cedar | lemon eucalyptus; plant extracts; cedar oil | water-resistant; vegan; hypoallergenic
Thermometer | fever thermometer; ear thermometer | temperature probe | Ear; Forehead; Oral | reads in one second; glows green when all is well | recycled plastic; stainless steel; silicone | digital; compact; wireless
## Wellness | wellness; relaxation | pampering
Massage Gun | muscle massager; massager | kneader | 4 Heads; 6 Heads | loosens stiff shoulders; runs quietly enough for the sofa | aluminium; silicone; recycled plastic | rechargeable; portable; wireless
Foam Roller | massage roller; fascia roller | myofascial | 30 cm; 45 cm | rolls the ache out of calves; is firm and never harsh | cork; recycled foam; moulded foam | portable; non-slip; lightweight
Aroma Diffuser | oil diffuser; essential oil diffuser | vaporiser | 150 ml; 300 ml | mists a room with scent; dims its light at night | ceramic; bamboo; glass | rechargeable; compact; dimmable
Bath Salts | epsom salt; bath soak | foaming crystals | 500 g; 1 kg | turns a tub into an evening off; dissolves without a trace | dead sea salt; lavender oil; magnesium flakes | scented; vegan; resealable
# Food, Party & Pets | cornerchoice delmarque* earthbasket goodwin zestora | food party and pets; everyday shopping | provisions
## Coffee & Tea | coffee and tea; hot drinks | brews
Ground Coffee | filter coffee; coffee beans | espresso roast | 250 g; 500 g; 1 kg | tastes of nuts and dark toffee; suits filter and press | arabica beans; highland beans; dark-roasted beans | organic; fair trade; decaffeinated
Herbal Tea | mint tea; camomile tea | tisane | 20 Bags; 50 Bags | calms the end of a day; smells of a summer meadow | peppermint leaves; camomile flowers; rooibos | organic; fair trade; biodegradable
Hot Chocolate | cocoa; drinking chocolate | ganache | 250 g; 500 g | melts into warm milk; is sweet but not too sweet | raw cocoa; cane sugar; oat milk powder | organic; fair trade; vegan
Instant Coffee | coffee sachets; soluble coffee | granules | 100 g; 200 g; 25 Sachets | needs only hot water; keeps its aroma in the jar | arabica beans; highland beans; dark-roasted beans | organic; fair trade; decaffeinated
## Snacks | snacks; nibbles | treats
Trail Mix | nut mix; dried fruit mix | granola | 200 g; 500 g; 1 kg | gives slow energy on the move; balances salty and sweet | roasted nuts; dried fruit; pumpkin seeds | organic; vegan; resealable
Crisps | potato crisps; salted crisps | chips | 150 g; 6 x 25 g | crunches loudly; is fried in small batches | farm potatoes; sea salt; sunflower oil | organic; vegan; gluten-free
Dark Chocolate | chocolate bar; cocoa chocolate | cacao slab | 100 g; 5 x 100 g | snaps cleanly and melts slowly; has a hint of orange | single-origin cocoa; hazelnuts; sea salt | organic; fair trade; vegan
Popcorn | sweet popcorn; popping corn | kernels | 100 g; 3 x 90 g | pops light and crisp; fills two bowls | yellow maize; sea salt; cane sugar | organic; vegan; gluten-free
## Party | party supplies; party decorations | celebration
Balloons | party balloons; birthday balloons | inflatables | Pack of 20; Pack of 50 | holds air until the last guest leaves; comes in matching shades | natural latex; recycled foil; cornstarch film | biodegradable; reusable; compostable
Paper Plates | party plates; disposable plates | picnicware | Pack of 20; Pack of 50 | does not soften under salad; goes on the compost after | recycled paper; palm leaf; sugar cane fibre | biodegradable; compostable; stackable
Bunting | flag garland; party garland | pennants | 5 m; 10 m | cheers up a fence or a hall; packs away for next year | cotton; recycled paper; felt | reusable; handmade; washable
Birthday Candles | cake candles; number candles | sparklers | Pack of 12; Pack of 24 | stands straight in icing; burns without dripping | beeswax; soy wax; rapeseed wax | handmade; scented; biodegradable
## Pets | pet supplies; pet care | animals
Dog Bed | pet bed; puppy bed | kennel cushion | S; M; L | lets old joints rest; unzips for washing | organic cotton; memory foam; recycled polyester | washable; chew-proof; waterproof
Dog Lead | dog leash; puppy lead | harness | 1.2 m; 2 m; 5 m | is kind to the hand when they pull; clips on with one thumb | leather; braided nylon; cotton | adjustable; reflective; chew-proof
Cat Litter | kitty litter; clumping litter | sandbox granulate | 5 L; 10 L; 20 L | binds smells for a week; clumps so that scooping is quick | bentonite clay; wood fibre; maize | odour control; biodegradable; fragrance-free
Scratching Post | cat tree; cat scratcher | clawing tower | 60 cm; 90 cm; 140 cm | saves the sofa; stands firm under a leap | sisal; birch plywood; corrugated card | handmade; space saving; non-toxic
## Cleaning | cleaning supplies; household cleaning | housekeeping
Laundry Detergent | washing powder; washing liquid | biological powder | 20 Washes; 40 Washes; 60 Washes | lifts stains at thirty degrees; is gentle on colours | plant-based soap; citrus oil; soda crystals | biodegradable; fragrance-free; concentrated
Dish Soap | washing-up liquid; dishwashing soap | degreaser | 500 ml; 1 L | cuts through grease in cool water; is mild to hands | plant-based soap; citrus oil; olive oil soap | biodegradable; fragrance-free; concentrated
All-Purpose Cleaner | kitchen cleaner; surface spray | disinfectant | 500 ml; 750 ml | shines taps and tiles; leaves no streaks | plant-based soap; citrus oil; white vinegar | biodegradable; refillable; concentrated
Microfibre Cloths | cleaning cloths; dust cloths | dusters | Pack of 5; Pack of 10 | picks up dust without spray; washes again and again | microfibre; bamboo fibre; recycled polyester | washable; reusable; lint-free
"""

# What people type who do not know what they want: says nothing about the item.
VAGUE_QUERIES = ("gift ideas", "special offers", "best sellers")

# Each occasion: what it makes people buy, most typical first. Each draws on about three categories, of two or more
# departments: deep enough that a category query alone leaves the choice open, and a link no text shows.
OCCASIONS = """
Camping trip | Tent; Sleeping Bag; Trail Mix; Camp Stove; Lantern; Insect Repellent; Crisps; First Aid Kit; Dark Chocolate; Plasters
Music festival | Tent; Sleeping Bag; Earbuds; Lantern; Camp Stove; Sunscreen; Portable Speaker; Lip Balm; Headphones; Moisturiser
Long hike | Hiking Boots; Backpack; Trail Mix; Trekking Poles; Water Bottle; Vacuum Flask; Dark Chocolate; Lunch Box; Crisps; Storage Jar
New baby | Nappies; Baby Wipes; Cot; Baby Bath; Laundry Detergent; Baby Monitor; Microfibre Cloths; Cot Mobile; All-Purpose Cleaner; Changing Mat
Starting solids | High Chair; Bib Set; Storage Jar; Baby Bottle; Bottle Steriliser; Dish Soap; Lunch Box; All-Purpose Cleaner; Vacuum Flask; Microfibre Cloths
Toddler room | Building Blocks; Wooden Train; Night Light; Shape Sorter; Soft Toy; Wall Paint; String Lights; Paint Roller; Floor Lamp; Masking Tape
First day at school | School Bag; Pencil Case; Lunch Box; Exercise Books; Crayons; Bike Helmet; Vacuum Flask; Bike Light; Water Bottle; Backpack
Home office | Office Chair; Bookcase; Keyboard; Folding Table; Ground Coffee; Monitor Stand; Instant Coffee; Mouse; Herbal Tea; Webcam
Student room | Duvet; Pillow; Notebook; Bed Sheet Set; Saucepan; Desk Organiser; Frying Pan; Pen Set; Casserole Dish; Whiteboard
Moving house | Storage Box; Shelf Unit; Screwdriver Set; Wardrobe Organiser; Laundry Basket; All-Purpose Cleaner; Cordless Drill; Microfibre Cloths; Jigsaw; Dish Soap
Redecorating | Wall Paint; Paint Roller; Picture Frame; Masking Tape; Dust Sheet; Smart Bulb; Rug; Smart Plug; Vase; Thermostat
Home repairs | Cordless Drill; Screwdriver Set; Extension Lead; Jigsaw; Sander; Plasters; Charging Cable; First Aid Kit; Power Bank; Thermometer
Home gym | Dumbbells; Resistance Bands; Headphones; Yoga Mat; Skipping Rope; Water Bottle; Portable Speaker; Backpack; Earbuds; Microphone
Yoga at home | Yoga Mat; Resistance Bands; Herbal Tea; Skipping Rope; Dumbbells; Candle; Hot Chocolate; Rug; Ground Coffee; Vase
Bike commute | Bike Helmet; Pannier Bag; Shampoo; Bike Light; Bike Pump; Power Bank; Hair Dryer; Charging Cable; Hairbrush; Extension Lead
Beach holiday | Sunscreen; Lip Balm; Swim Goggles; Moisturiser; Face Mask; Parasol; Paddle Board; Garden Chair; Dry Bag; Wetsuit
Surf weekend | Wetsuit; Paddle Board; Hot Chocolate; Dry Bag; Swim Goggles; Conditioner; Instant Coffee; Shampoo; Herbal Tea; Hairbrush
Long flight | Travel Pillow; Cabin Suitcase; Headphones; Packing Cubes; Toiletry Bag; Lip Balm; Earbuds; Face Mask; Microphone; Moisturiser
Birthday party | Balloons; Birthday Candles; Cake Tin; Bunting; Paper Plates; Soft Toy; Frying Pan; Building Blocks; Casserole Dish; Wooden Train
Dinner party | Wine Glasses; Dinner Plate Set; Candle; Cutlery Set; Mug; Casserole Dish; Vase; Saucepan; Picture Frame; Dark Chocolate
Garden party | Barbecue; Garden Chair; Paper Plates; Parasol; Fire Pit; Wine Glasses; Bunting; Dinner Plate Set; Balloons; Cutlery Set
Spring garden | Spade; Pruning Shears; Flower Bulbs; Garden Hose; Watering Can; Hiking Boots; Compost; Water Bottle; Plant Pot; Herb Seeds
Balcony herbs | Herb Seeds; Plant Pot; Chopping Board; Compost; Flower Bulbs; String Lights; Chef Knife; Floor Lamp; Mixing Bowl; Desk Lamp
New puppy | Dog Bed; Dog Lead; Hiking Boots; Scratching Post; Microfibre Cloths; Backpack; All-Purpose Cleaner; Trekking Poles; Laundry Detergent; Water Bottle
New kitten | Cat Litter; Scratching Post; Security Camera; Dog Bed; Armchair; Smart Plug; Bookcase; Thermostat; Office Chair; Smart Bulb
Baking club | Mixing Bowl; Kitchen Scale; Dark Chocolate; Chopping Board; Chef Knife; Birthday Candles; Popcorn; Bunting; Trail Mix; Paper Plates
Coffee corner | Coffee Maker; Kettle; Ground Coffee; Toaster; Hand Blender; Armchair; Hot Chocolate; Bookcase; Instant Coffee; Folding Table
Movie night | Popcorn; Crisps; Smart Bulb; Dark Chocolate; Trail Mix; Duvet; Smart Plug; Pillow; Security Camera; Mattress Topper
Spa evening | Bath Salts; Aroma Diffuser; Candle; Massage Gun; Foam Roller; Herbal Tea; Vase; Hot Chocolate; Picture Frame; Instant Coffee
Podcast studio | Microphone; Headphones; Notebook; Earbuds; Portable Speaker; Rug; Pen Set; Picture Frame; Whiteboard; Desk Organiser
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
    department_queries: tuple[str, ...]
    department_held_back: str
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
    department_words: tuple[tuple[str, ...], str] = ((), "")
    for line in CATALOGUE.strip().splitlines():
        if line.startswith("## "):
            category, queries, held_back = _cells(line[3:])
            category_words = (_words(queries), held_back)
        elif line.startswith("# "):
            department, names, queries, held_back = _cells(line[2:])
            department_words = (_words(queries), held_back)
            quiet = next(name.rstrip("*") for name in names.split() if name.endswith("*"))
            brands = tuple(name.rstrip("*") for name in names.split())
        else:
            name, queries, held_back, *attributes = _cells(line)
            types.append(
                ProductType(
                    name,
                    department,
                    category,
                    (name.lower(), *_words(queries)),
                    held_back,
                    *category_words,
                    *department_words,
                    *map(_words, attributes),
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
