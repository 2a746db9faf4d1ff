using Spectre.Console;

namespace ControlPlane.Demo;

/// <summary>Where a run shows itself.</summary>
internal interface IDemoDisplay
{
    /// <summary>A line that stays.</summary>
    void Say(string line);

    /// <summary>How far it is now; replaces what was shown before where that can be.</summary>
    void Show(DemoProgress progress);

    /// <summary>Nothing more is shown.</summary>
    void Finish();
}

internal static class DemoDisplay
{
    public static IDemoDisplay ForThisConsole() =>
        AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected
            ? new TerminalDisplay(AnsiConsole.Console)
            : new LineDisplay(Console.Out);
}

/// <summary>Plain lines: a progress line at most every second.</summary>
internal sealed class LineDisplay(TextWriter output) : IDemoDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private TimeSpan? _shown;

    public void Say(string line) => output.WriteLine(line);

    public void Show(DemoProgress progress)
    {
        if (_shown is null || progress.Elapsed - _shown >= Interval || progress.IsDone)
        {
            _shown = progress.Elapsed;
            output.WriteLine(progress.ToString());
        }
    }

    public void Finish()
    {
    }
}

/// <summary>A terminal: one bar that moves, and lines above it.</summary>
internal sealed class TerminalDisplay(IAnsiConsole console) : IDemoDisplay
{
    private const int BarWidthMax = 40;

    private bool _shows;

    public void Say(string line)
    {
        Erase();
        console.MarkupLineInterpolated($"{line}");
    }

    public void Show(DemoProgress progress)
    {
        Erase();

        // A line that wraps cannot be erased: on a narrow terminal the bar gives way, and then the end of the text.
        var room = console.Profile.Width - 1;
        var text = progress.ToString();
        var bar = Math.Clamp(room - text.Length - 1, 0, BarWidthMax);
        console.Markup($"{Bar(progress, bar)} {Markup.Escape(text[..Math.Min(text.Length, room - 1)])}");
        _shows = true;
    }

    public void Finish() => Erase();

    private static string Bar(DemoProgress progress, int width)
    {
        var done = width * Math.Min(progress.Enrolled, progress.Nodes) / progress.Nodes;
        var lost = width * (progress.Silent + progress.Refused) / progress.Nodes;
        var rest = new string('─', Math.Max(0, width - done - lost));
        return $"[green]{new string('━', done)}[/][red]{new string('━', lost)}[/][grey]{rest}[/]";
    }

    private void Erase()
    {
        if (_shows)
        {
            // To the start of the line, and clear it.
            console.Write(new ControlCode("\r\u001b[2K"));
            _shows = false;
        }
    }
}
