from s2m_ros.cli.main import main

main()
