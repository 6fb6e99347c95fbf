typedef int oneiros_placeholder; // until the first file is here
