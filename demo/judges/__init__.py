"""Small networks that say what a picture shows. They judge the embedded model in the report and are not published."""
