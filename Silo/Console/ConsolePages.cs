namespace ControlPlane.Console;

internal static class ConsolePages
{
    public static WebApplication MapConsole(this WebApplication app) => app;
}
