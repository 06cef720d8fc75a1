import sys, time
from tests.simulation.schedule import schedule
from tests.simulation.world import World
from collections import Counter
a, b = int(sys.argv[1]), int(sys.argv[2])
t=time.process_time(); total=Counter(); bad=0
World(schedule(0)).play(); t=time.process_time()
for seed in range(a, b):
    w = World(schedule(seed))
    try:
        w.play()
    except Exception as e:
        bad+=1
        if '-v' in sys.argv:
            print("\n".join(w.trace)); raise
        print(seed, type(e).__name__, str(e)[:300])
    total += w.counts
print((time.process_time()-t)/(b-a), bad, dict(total))
