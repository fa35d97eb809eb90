# What `cmake --install BUILD --prefix /usr` puts where, as Debian and systemd look for it. hack/install.list is the whole of it;
# hack/check-install compares.
#
# Nothing below /etc is installed: the desired state is the administrator's, and lib/tmpfiles.d makes the folders.

install(TARGETS hivelet hivectl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# --- systemd: always below lib of the prefix, never in lib64 or a triplet's folder

set(units ${CMAKE_SOURCE_DIR}/deploy/systemd)
install(FILES ${units}/hivelet.service ${units}/hivelet.slice ${units}/hivelet-services.slice ${units}/hivelet-tasks.slice
        DESTINATION lib/systemd/system)
install(FILES ${units}/hivelet.sysusers DESTINATION lib/sysusers.d RENAME hivelet.conf)
install(FILES ${units}/hivelet.tmpfiles DESTINATION lib/tmpfiles.d RENAME hivelet.conf)
install(FILES ${units}/hivelet.preset DESTINATION lib/systemd/system-preset RENAME 80-hivelet.preset)
install(FILES ${CMAKE_SOURCE_DIR}/api/hivelet.catalog DESTINATION lib/systemd/catalog)
# The unit in the tree names /usr; another prefix, which is known only now, has its program elsewhere.
install(CODE "
        set(unit \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/hivelet.service\")
        file(READ \"\${unit}\" text)
        string(REPLACE \"ExecStart=/usr/bin/\" \"ExecStart=\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\" text \"\${text}\")
        file(WRITE \"\${unit}\" \"\${text}\")
")

# --- what hivectl says of itself

set(said ${CMAKE_BINARY_DIR}/share)
set(saids)
# hv_said(FILE WORD...): what `hivectl WORD...` prints, as a file of the build
function(hv_said file)
        add_custom_command(OUTPUT ${said}/${file}
                           COMMAND ${CMAKE_COMMAND} -E make_directory ${said}
                           COMMAND hivectl ${ARGN} > ${said}/${file}
                           DEPENDS hivectl VERBATIM)
        set(saids ${saids} ${said}/${file} PARENT_SCOPE)
endfunction()
hv_said(hivectl.bash completion bash)
hv_said(hivectl.zsh completion zsh)
hv_said(hivectl.fish completion fish)
hv_said(hivelet.schema.json schema)
add_custom_target(said ALL DEPENDS ${saids})
install(FILES ${said}/hivectl.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME hivectl)
install(FILES ${said}/hivectl.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _hivectl)
install(FILES ${said}/hivectl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${said}/hivelet.schema.json ${CMAKE_SOURCE_DIR}/api/openapi.yaml
        DESTINATION ${CMAKE_INSTALL_DATADIR}/hivelet/schema)

# --- what people read

set(man ${CMAKE_SOURCE_DIR}/docs/man)
install(FILES ${man}/hivectl.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${man}/hivelet.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${man}/hivelet.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${CMAKE_SOURCE_DIR}/config/example.yaml ${CMAKE_SOURCE_DIR}/config/quickstart.yaml
        DESTINATION ${CMAKE_INSTALL_DATADIR}/hivelet/examples)
file(GLOB task_types CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/config/task-types.d/*.yaml)
install(FILES ${task_types} DESTINATION ${CMAKE_INSTALL_DATADIR}/hivelet/task-types.d)
foreach(page README.md CHANGELOG.md SECURITY.md LICENSE)
        install(FILES ${CMAKE_SOURCE_DIR}/${page} DESTINATION ${CMAKE_INSTALL_DOCDIR})
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN *.md
        PATTERN man EXCLUDE)
