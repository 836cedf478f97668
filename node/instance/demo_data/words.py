"""Names that companies, people and things are made of. Made up or plain words; put together by the seed."""

from typing import Final

FIRST_NAMES: Final = (  # noqa: SIM905 - names are read as a text
    "Amara Anouk Arvid Aylin Beatriz Benedek Bilal Brynja Chiara Cillian Dagny Darius Delphine Dilan Edda Eero Elif "
    "Emeka Esme Farah Feliks Fenna Finola Gaspard Gizem Gwen Hamza Hanneke Haruto Ilse Imani Inês Ivo Jarek Jolanta "
    "Joost Kaede Kalinda Kasimir Keziah Kofi Lieselotte Linnea Lorcan Mahalia Mareike Matthis Mei Milena Nadir Naoko "
    "Nils Noor Odalys Oksana Otto Parisa Pascal Petra Priya Quirin Rafaela Ravi Renée Rosalind Runa Sakari Samira "
    "Sibusiso Signe Soraya Taavi Tamsin Thandiwe Tiago Tomé Tove Ulrike Umberto Valentin Vesna Wanjiru Wim Xiomara "
    "Yael Yannick Yusuf Zofia Zubair Zoë"
).split()

LAST_NAMES: Final = (  # noqa: SIM905 - names are read as a text
    "Achterbosch Adeyinka-Holm Agnellari Almquist-Rey Arakelyan Ashgrove Baltrusch Bankolé Benavidal Bergholt "
    "Birkenfurt Bouchardet Brankovar Calloway-Sato Castelmare Chandrapal Copperthwaite Dahlvik Darrowby Delacroy "
    "Demirsoy Dragunov Eastwater Eikenaar Ellingboe Escarrá Fairlamb Farquharsen Fennimore Ferreiro Flodqvist "
    "Fontanel Gadomski Gallowglass Ghorbanfar Goldfinch Grønvall Hakkarai Halvarsson Hathersage Hexworth Hollingdale "
    "Ibarrola Iwashiro Jankauski Jessamine Kandelaar Karlsbach Kasprowicz Kettlewell Kimathi Kirschbaumer Kowalenko "
    "Laakmann Lanternier Larkspur Lindenmoor Lovelock-Ito Maduabuchi Maldonar Marchetto Mbekelwa Merriweather "
    "Mizuhara Montclaire Mwangi-Stone Nadarajah Nakashiro Nightingall Novotnik Nordhaus Oakenshaw Okonjo-Lind "
    "Oldenkamp Onyekwere Orsolini Ostrander Pamukoğlu Papadakos Peixinho Pennyfeather Petrosyani Quillfeather "
    "Rademakker Rasmundsen Ravenscar Rosenquell Rutkovic Saarinenko Salgueira Sandoveanu Schellekamp Silverdale "
    "Sokolnik Steenhuizen Strömgård Szabolcsi Takemori Tanverdi Thistlewood Tõnismaa Underhay Vandermolen Vasquenne "
    "Velasteguí Vinterhalt Wairimo Wetherspan Wisniewska-Gray Yamazaka Yardborough Ziegelhofer Zubiría"
).split()

COMPANY_FIRST: Final = (  # noqa: SIM905 - names are read as a text
    "Alderpoint Bellwater Brackenford Calderstone Dovetail Ebbing Fernhollow Glasswing Harrowgate Inkwell Juniper "
    "Kestrelwood Lanternbay Millrace Northquay Oakhaven Pemberline Quarryhill Rookwood Saltmarsh Thornbury Umberfield "
    "Veridane Wayfarer Yarrow Zephyrine"
).split()

COMPANY_SECOND: Final = (
    "Freight",
    "Instruments",
    "Foods",
    "Medical",
    "Optics",
    "Packaging",
    "Textiles",
    "Turbines",
    "Logistics",
    "Ceramics",
    "Paper Works",
    "Pumps",
    "Furniture",
    "Chemicals",
    "Cycles",
)

VENDORS: Final = (
    ("Cormorant Systems", "server"),
    ("Bluefinch Computers", "laptop"),
    ("Tessellate Software", "software"),
    ("Papyrion Print", "printer"),
    ("Lattice Networks", "network"),
    ("Quernstone Data", "software"),
    ("Halyard Telecom", "network"),
    ("Sable Security", "software"),
    ("Ostrava Displays", "laptop"),
    ("Mossgate Cloud", "software"),
    ("Pellucid Analytics", "software"),
    ("Varnholt Devices", "laptop"),
)
"""Who sells and makes what."""

MODELS: Final = {
    "laptop": ("Finch 13", "Finch 14 G2", "Finch 15 Pro", "Varn X2", "Varn X3"),
    "server": ("Cormorant R210", "Cormorant R420", "Cormorant B8 blade"),
    "printer": ("Papyrion 300 Color", "Papyrion 520", "Papyrion 80 Desk"),
    "network": ("Lattice AP-6", "Lattice AP-6E", "Lattice Gate 100"),
    "screen": ("Ostrava U24", "Ostrava U27"),
}

APPLICATIONS: Final = (
    ("ERP", ("Ledgerline", "Corestock", "Trunkway", "Basalt ERP")),
    ("Customer relations", ("Harbour CRM", "Clientele", "Rolodeck", "Handshaker")),
    ("Payroll", ("Paywright", "Tallysheet", "Wagepoint", "Salaris")),
    ("Travel and expenses", ("Tripledger", "Expensa", "Milestone Travel", "Perdiem")),
    ("Warehouse", ("Palletto", "Stockroom", "Binwise", "Aisle 9")),
    ("Intranet", ("Commonroom", "The Hallway", "Noticeboard", "Campfire Hub")),
    ("File share", ("Fileharbour", "Archive Share", "Shelfspace", "Docyard")),
    ("Wiki", ("Knowhow", "Pagepile", "Lorebook", "Inkpot Wiki")),
    ("Time sheets", ("Clockwise", "Hourglass", "Timecard", "Daytally")),
    ("Reporting", ("Prism Reports", "Factboard", "Overlook BI", "Figures")),
    ("Procurement", ("Buyline", "Requisito", "Orderly", "Purchase Desk")),
    ("Quality", ("Checkpoint QM", "Tolerance", "Auditrail", "Sixpence QS")),
    ("Recruiting", ("Talentpool", "Firstday", "Hirewire", "Newcomer")),
    ("E-learning", ("Study Hall", "Lernwerk", "Classmate", "Tutorium")),
)
"""What each application is for, and what it may be called."""

SERVICES: Final = (
    "Email",
    "Network access",
    "Workplace",
    "Order to cash",
    "Purchase to pay",
    "Payroll service",
    "File services",
    "Remote access",
)
