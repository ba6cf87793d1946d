; A program in place of Retort.exe for `windows_test.py`: it notes the words it was started with beside
; itself, and with the word `wait` it goes on running for a while.

!include FileFunc.nsh
!include LogicLib.nsh
Unicode true
Target amd64-unicode
RequestExecutionLevel user
SilentInstall silent
OutFile "${OUTFILE}"

Section
  FileOpen $0 "$EXEDIR\opened.txt" w
  FileWriteUTF16LE $0 "$CMDLINE"
  FileClose $0
  ${GetParameters} $0
  ${If} $0 == "wait"
    Sleep 20000
  ${EndIf}
SectionEnd
