import ast,pathlib,re,subprocess
S=pathlib.Path('src/leadkeeper')
p=S/'doors/portal/guides.py'; src=p.read_text(); tree=ast.parse(src); lines=src.splitlines(keepends=True)
seg=lambda n: ''.join(lines[n.lineno-1:n.end_lineno])
consts={}; guides=None
for n in tree.body:
    if isinstance(n,ast.AnnAssign) and isinstance(n.target,ast.Name):
        if n.target.id=='GUIDES': guides=n
        elif n.target.id.startswith('_'): consts[n.target.id]=n
print([ (k.value) for k in guides.value.keys], list(consts))
used={}
for k,v in zip(guides.value.keys,guides.value.values):
    names={x.id for x in ast.walk(v) if isinstance(x,ast.Name)}
    used[k.value]=[c for c in consts if c in names]
print(used)
import textwrap
common={}
for name,cs in used.items():
    v=dict(zip([k.value for k in guides.value.keys],guides.value.values))[name]
    body=ast.get_source_segment(src,v)
    own=[c for c in cs if sum(c in u for u in used.values())==1]
    shared=[c for c in cs if c not in own]
    need_way='Way(' in body
    text=''
    title={'dynamics':'Dynamics 365'}.get(name,name)
    text+=f'"""What a publisher is told who connects {title}: when to choose it, its ways, where to find each value."""\n\nfrom __future__ import annotations\n\nfrom typing import Final\n\n'
    if shared: text+='from leadkeeper.destinations.azure_storage.guide import STEPS\n'
    text+='from leadkeeper.destinations.guide import Guide, Way\nfrom leadkeeper.texts import lazy_gettext as _\n\n'
    for c in own: text+=seg(consts[c])
    b=body
    for c in shared: b=b.replace(c,'STEPS')
    text+=('\n' if own else '')+'GUIDE: Final = '+b+'\n'
    (S/f'destinations/{name}/guide.py').write_text(text)
    for c in shared: common[c]=seg(consts[c])
assert list(common)==['_STORAGE'],common
(S/'destinations/azure_storage/guide.py').write_text('"""Where a publisher finds the connection string of a storage account."""\n\nfrom __future__ import annotations\n\nfrom typing import Final\n\nfrom leadkeeper.texts import lazy_gettext as _\n\n'+common['_STORAGE'].replace('_STORAGE','STEPS'))
cls={n.name:n for n in tree.body if isinstance(n,ast.ClassDef)}
def cseg(n): return ''.join(lines[n.decorator_list[0].lineno-1:n.end_lineno])
(S/'destinations/guide.py').write_text('''"""What a publisher is told of a kind of destination: when to choose it, its ways, where to find each value.

A way is one manner of connecting that a destination's settings allow, with the settings that it needs. What a guide
does not name (a setting that was added) has a place in the form all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

'''+'\n'+cseg(cls['Way'])+'\n\n'+cseg(cls['Guide']))
drop=set()
for n in list(consts.values())+[guides]: drop|=set(range(n.lineno,n.end_lineno+1))
# docstring expr after GUIDES
for n in cls.values(): drop|=set(range(n.decorator_list[0].lineno,n.end_lineno+1))
rest=''.join(l for i,l in enumerate(lines,1) if i not in drop)
p.write_text(rest)
for name in used:
    q=S/f'destinations/{name}/provider.py'; s=q.read_text()
    s=s.replace('from leadkeeper.destinations.interface import',f'from leadkeeper.destinations.{name}.guide import GUIDE\nfrom leadkeeper.destinations.interface import')
    s=s.replace('    open=_open,\n','    open=_open,\n    guide=GUIDE,\n'); q.write_text(s)
