"""The words of the evidence report in the languages it is made in. Sentences of the report live here alone."""

from units.numbers import Language

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Evidence of renewable electricity",
        "draft": "DRAFT: counts certificates that are not retired yet. Not for claims.",
        "unsettled": "Hours whose figures can still change (an estimated reading, or a settlement run to come)",
        "participant": "Participant",
        "market": "Market",
        "period": "Period",
        "made": "Made",
        "matched": "Matched hour by hour (24/7)",
        "location": "Scope 2, location-based",
        "market_based": "Scope 2, market-based",
        "consumption": "Consumption",
        "sources": "Where the energy came from",
        "own_pv_wh": "Own sun, used at once",
        "own_storage_wh": "Own sun, out of storage",
        "local_pv_wh": "Neighbours' sun, certified",
        "local_storage_wh": "Neighbours' sun out of storage, certified",
        "local_other_wh": "Other energy from neighbours",
        "grid_wh": "Grid",
        "total": "Total",
        "heat": "Matched share of each hour",
        "heat_note": "Each column is a day, each row an hour of the day. Dark is fully matched, pale is not matched, "
        "white is no consumption.",
        "certificates": "Certificates by producer",
        "producer": "Producer",
        "origin": "Origin",
        "pv": "Solar panels",
        "storage": "Solar energy from storage",
        "retired": "Retired",
        "held": "Still held",
        "locked": "Registered outside, not counted",
        "none": "No certificates in this period.",
        "factors": "Emission factors of the grid",
        "days": "Used from – to",
        "year": "Year",
        "official": "official",
        "unofficial": "not official",
        "source": "Source",
        "method": "Method",
        "method_consumption": "Consumption is what was imported over the boundary meter plus what was used of "
        "one's own "
        "sun, directly or out of storage. Energy bought to charge a storage counts once, when it is bought.",
        "method_matched": "Matched share: in each hour the smaller of consumption and green energy, added up, "
        "divided by "
        "the consumption. Surplus of one hour covers no other. The green part of the grid's own mix is not counted.",
        "method_location": "Location-based: everything imported × the grid's average factor, whoever sold it.",
        "method_market": "Market-based: what certificates of the same hour do not cover × the grid's average factor. "
        "No residual mix is published for this grid; the GHG Protocol asks that this be said.",
        "method_certificates": "A certificate is a range of numbered watt-hours of one producer, issued only "
        "for energy "
        "that panels gave and the boundary meter exported. No watt-hour can be used twice: the database refuses it.",
        "check": "Check it yourself",
        "check_text": "Unpack the folder and run: python3 verify_pack.py. It computes every figure in this "
        "report again "
        "from the tables beside it, and needs no network. The operator keeps the seal in pack.json and can confirm it.",
    },
    "vi": {
        "title": "Bằng chứng sử dụng điện tái tạo",
        "draft": "BẢN NHÁP: có tính cả chứng chỉ còn đang giữ, chưa khai báo sử dụng. Không dùng để công bố.",
        "unsettled": "Số giờ còn có thể thay đổi (chỉ số ước tính, hoặc đang chờ quyết toán)",
        "participant": "Thành viên",
        "market": "Thị trường",
        "period": "Kỳ",
        "made": "Lập lúc",
        "matched": "Khớp theo từng giờ (24/7)",
        "location": "Phạm vi 2, theo vị trí",
        "market_based": "Phạm vi 2, theo thị trường",
        "consumption": "Điện tiêu thụ",
        "sources": "Nguồn điện đã dùng",
        "own_pv_wh": "Điện mặt trời của mình, dùng ngay",
        "own_storage_wh": "Điện mặt trời của mình, từ lưu trữ",
        "local_pv_wh": "Điện mặt trời của hàng xóm, có chứng chỉ",
        "local_storage_wh": "Điện mặt trời lưu trữ của hàng xóm, có chứng chỉ",
        "local_other_wh": "Điện khác của hàng xóm",
        "grid_wh": "Lưới điện",
        "total": "Tổng cộng",
        "heat": "Tỷ lệ khớp của từng giờ",
        "heat_note": "Mỗi cột là một ngày, mỗi hàng là một giờ trong ngày. Đậm là khớp hoàn toàn, nhạt là không "
        "khớp, "
        "trắng là không tiêu thụ.",
        "certificates": "Chứng chỉ theo nhà sản xuất",
        "producer": "Nhà sản xuất",
        "origin": "Nguồn gốc",
        "pv": "Tấm pin mặt trời",
        "storage": "Điện mặt trời từ lưu trữ",
        "retired": "Đã khai báo sử dụng",
        "held": "Đang giữ",
        "locked": "Đã đăng ký bên ngoài, không tính",
        "none": "Không có chứng chỉ trong kỳ này.",
        "factors": "Hệ số phát thải của lưới điện",
        "days": "Dùng từ – đến",
        "year": "Năm",
        "official": "chính thức",
        "unofficial": "không chính thức",
        "source": "Nguồn",
        "method": "Phương pháp",
        "method_consumption": "Điện tiêu thụ là điện nhận qua công tơ ranh giới cộng với điện mặt trời của mình "
        "đã dùng, "
        "trực tiếp hoặc từ lưu trữ. Điện mua để sạc lưu trữ được tính một lần, khi mua.",
        "method_matched": "Tỷ lệ khớp: trong mỗi giờ lấy số nhỏ hơn giữa tiêu thụ và điện xanh, cộng lại, chia "
        "cho tổng "
        "tiêu thụ. Điện dư của giờ này không bù cho giờ khác. Phần điện xanh của lưới không được tính.",
        "method_location": "Theo vị trí: toàn bộ điện nhận × hệ số trung bình của lưới, bất kể ai bán.",
        "method_market": "Theo thị trường: phần điện không có chứng chỉ của cùng giờ × hệ số trung bình của "
        "lưới. Lưới này "
        "không công bố hệ số phần còn lại; GHG Protocol yêu cầu nêu rõ điều đó.",
        "method_certificates": "Chứng chỉ là một dãy watt-giờ có đánh số của một nhà sản xuất, chỉ cấp cho điện "
        "do tấm pin "
        "phát ra và công tơ ranh giới đã đo khi phát lên. Không watt-giờ nào được dùng hai lần: cơ sở dữ liệu từ chối.",
        "check": "Tự kiểm tra",
        "check_text": "Giải nén thư mục và chạy: python3 verify_pack.py. Chương trình tính lại mọi số liệu "
        "trong báo cáo từ "
        "các bảng kèm theo, không cần mạng. Nhà vận hành lưu dấu niêm phong trong pack.json và có thể xác nhận.",
    },
}
