# What `cmake --install BUILD --prefix /usr` puts where, as Debian and systemd look for it. hack/install.list is the whole of it;
# hack/check-install compares.
#
# Nothing below /etc is installed: the desired state is the administrator's, and lib/tmpfiles.d makes the folders.

install(TARGETS hivelet hivectl hivepool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# --- systemd: always below lib of the prefix, never in lib64 or a triplet's folder

set(units ${CMAKE_SOURCE_DIR}/deploy/systemd)
install(FILES ${units}/hivelet.service ${units}/hivelet.slice ${units}/hivelet-services.slice ${units}/hivelet-tasks.slice
              ${units}/hivelet-wg@.service ${units}/hivepool.service
        DESTINATION lib/systemd/system)
install(FILES ${units}/hivelet.sysusers DESTINATION lib/sysusers.d RENAME hivelet.conf)
install(FILES ${units}/hivelet.tmpfiles DESTINATION lib/tmpfiles.d RENAME hivelet.conf)
install(FILES ${units}/hivelet.preset DESTINATION lib/systemd/system-preset RENAME 80-hivelet.preset)
install(FILES ${CMAKE_SOURCE_DIR}/api/hivelet.catalog DESTINATION lib/systemd/catalog)
# The units in the tree name /usr; another prefix, which is known only now, has its programs elsewhere.
install(CODE "
        foreach(name hivelet hivepool)
                set(unit \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/\${name}.service\")
                file(READ \"\${unit}\" text)
                string(REPLACE \"ExecStart=/usr/bin/\" \"ExecStart=\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\" text \"\${text}\")
                file(WRITE \"\${unit}\" \"\${text}\")
        endforeach()
")

# --- what the programs say of themselves

set(said ${CMAKE_BINARY_DIR}/share)
set(saids)
# hv_said(FILE PROGRAM WORD...): what `PROGRAM WORD...` prints, as a file of the build
function(hv_said file program)
        add_custom_command(OUTPUT ${said}/${file}
                           COMMAND ${CMAKE_COMMAND} -E make_directory ${said}
                           COMMAND ${program} ${ARGN} > ${said}/${file}
                           DEPENDS ${program} VERBATIM)
        set(saids ${saids} ${said}/${file} PARENT_SCOPE)
endfunction()
hv_said(hivectl.bash hivectl completion bash)
hv_said(hivectl.zsh hivectl completion zsh)
hv_said(hivectl.fish hivectl completion fish)
hv_said(hivelet.schema.json hivectl schema)
hv_said(hivepool.bash hivepool completion bash)
hv_said(hivepool.zsh hivepool completion zsh)
hv_said(hivepool.fish hivepool completion fish)
add_custom_target(said ALL DEPENDS ${saids})
foreach(program hivectl hivepool)
        install(FILES ${said}/${program}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
                RENAME ${program})
        install(FILES ${said}/${program}.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _${program})
        install(FILES ${said}/${program}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()
install(FILES ${said}/hivelet.schema.json ${CMAKE_SOURCE_DIR}/api/openapi.yaml
        DESTINATION ${CMAKE_INSTALL_DATADIR}/hivelet/schema)

# --- what people read

set(man ${CMAKE_SOURCE_DIR}/docs/man)
install(FILES ${man}/hivectl.1 ${man}/hivepool.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${man}/hivelet.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${man}/hivelet.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${CMAKE_SOURCE_DIR}/config/example.yaml ${CMAKE_SOURCE_DIR}/config/quickstart.yaml
        DESTINATION ${CMAKE_INSTALL_DATADIR}/hivelet/examples)
file(GLOB task_types CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/config/task-types.d/*.yaml)
install(FILES ${task_types} DESTINATION ${CMAKE_INSTALL_DATADIR}/hivelet/task-types.d)
install(FILES ${CMAKE_SOURCE_DIR}/deploy/monitoring/hivelet.rules.yml ${CMAKE_SOURCE_DIR}/deploy/monitoring/grafana-hivelet.json
        DESTINATION ${CMAKE_INSTALL_DATADIR}/hivelet/monitoring)
foreach(page README.md CHANGELOG.md SECURITY.md LICENSE)
        install(FILES ${CMAKE_SOURCE_DIR}/${page} DESTINATION ${CMAKE_INSTALL_DOCDIR})
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN *.md
        PATTERN man EXCLUDE)
